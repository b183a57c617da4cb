/** What every address showed when it was looked at last, and when somebody last answered there. */
import { candidateDomains } from "../core/discover/belonging.ts";
import type { Issuers } from "../core/discover/issuers.ts";
import { Booting, type Asked } from "./booting.ts";
import { domainsToAsk, NAMES_MOST, type Looker, type Ports, type Seen } from "./look.ts";
import type { Neighbours } from "./neighbours.ts";
import { domainsOf, showsAny } from "./once.ts";
import type { Candidate } from "./source.ts";

export interface SightingsInput {
  readonly looker: Pick<Looker, "look" | "lookFor">;
  readonly neighbours: Pick<Neighbours, "isHere">;
  readonly nowMs: () => number;
}

/** What a sweep has found by now counts after this, ms: one with thousands of silent addresses takes a minute. */
const SWEEP_MS = 10_000;
/** Addresses that take longer than this to be asked for names count later, ms: nobody waits for a tarpit. */
const NAMES_MS = 1_000;

export class Sightings {
  private readonly input: SightingsInput;
  /** Asked for everything there is to ask. */
  private readonly shown = new Map<string, Seen>();
  /** Looked at, and still to be asked for names. */
  private readonly fresh = new Map<string, Seen>();
  /** What they showed without names. */
  private readonly looked = new Map<string, Seen>();
  /** Domains that an address was asked for since it was looked at. */
  private readonly asked = new Map<string, ReadonlySet<string>>();
  private readonly asking = new Set<string>();
  private readonly answeredMs = new Map<string, number>();
  private readonly booting: Booting;
  /** Those that belong to a cluster that is served. */
  private nodes: ReadonlySet<string> = new Set();
  private news = false;

  constructor(input: SightingsInput) {
    this.input = input;
    this.booting = new Booting(input.nowMs);
  }

  /**
   * Asks all of them that are not probed anyway, those first that this machine has met. What they show counts together, so that the authority
   * of most is believed and not that of the first.
   */
  async look(candidates: readonly Candidate[], ports: Ports): Promise<void> {
    const { looker, neighbours, nowMs } = this.input;
    const asked = candidates.filter(({ ip }) => !this.nodes.has(ip));
    const [met, others] = [true, false].map((here) => asked.filter(({ ip }) => neighbours.isHere(ip) === here));
    for (const some of [met ?? [], others ?? []]) {
      let seen: Seen[] = [];
      let sinceMs = nowMs();
      const take = (): void => {
        for (const each of seen) this.take(each);
        seen = [];
        sinceMs = nowMs();
      };
      const lookAt = async (each: Candidate): Promise<void> => {
        seen.push(await looker.look(each, ports, "sweep"));
        if (nowMs() - sinceMs >= SWEEP_MS) take();
      };
      await Promise.all(some.map(lookAt));
      take();
    }
  }

  /** A machine has come, or come back. */
  arrived(candidate: Candidate, ports: Ports): void {
    if (!this.nodes.has(candidate.ip)) this.booting.arrived(candidate, ports);
  }

  /** Machines that are there and showed nothing yet. */
  async askAgain(): Promise<void> {
    const ask = async ({ candidate, ports }: Asked): Promise<void> => {
      const seen = await this.input.looker.look(candidate, ports, "soon");
      const before = this.looked.get(seen.ip);
      if (before !== undefined && showSame(before, seen)) this.stillThere(seen);
      else this.take(seen);
    };
    await Promise.all(this.booting.takeDue().map(ask));
  }

  /** @returns whether what is shown changed since this was asked last */
  takeNews(): boolean {
    const { news } = this;
    this.news = false;
    return news;
  }

  /** A probe had an answer. */
  alive(ip: string): void {
    if (this.shown.has(ip)) this.answeredMs.set(ip, this.input.nowMs());
  }

  /** It shows something else than before: looked at again. */
  doubt(ip: string): void {
    const seen = this.shown.get(ip);
    if (seen !== undefined) this.booting.arrived(seen, seen.ports);
  }

  setNodes(ips: readonly string[]): void {
    this.nodes = new Set(ips);
    for (const ip of ips) this.booting.done(ip);
  }

  portsOf(ip: string): Ports {
    return this.shown.get(ip)?.ports ?? {};
  }

  /** Those leave that did not answer for so long. */
  forget(goneMs: number): void {
    const nowMs = this.input.nowMs();
    const late = [...this.shown.keys()].filter((ip) => nowMs - (this.answeredMs.get(ip) ?? 0) > goneMs);
    for (const ip of late) this.drop(ip);
  }

  /** With what they show to the names of all clusters. Those that are still being asked are as they were before. */
  async withNames(issuers: Issuers): Promise<readonly Seen[]> {
    const all = [...new Map([...this.shown, ...this.fresh]).values()];
    const domains = new Set([...domainsOf(all), ...candidateDomains(all, issuers)]);
    const open = all.filter(({ ip }) => !this.asking.has(ip) && (this.fresh.has(ip) || !this.nodes.has(ip)));
    const work = open.map((seen) => this.askNames(seen, domains));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, NAMES_MS);
    await Promise.race([Promise.all(work), late.promise]);
    clearTimeout(timer);
    return [...this.shown.values()];
  }

  /** Only for what it was not asked for before. */
  private async askNames(seen: Seen, domains: Iterable<string>): Promise<void> {
    const { ip } = seen;
    const before = this.asked.get(ip) ?? new Set();
    const names = domainsToAsk(seen, domains).filter((domain) => !before.has(domain));
    const now = names.slice(0, NAMES_MOST);
    if (now.length === 0) return this.complete(seen, seen);
    this.asked.set(ip, new Set([...before, ...now]));
    this.asking.add(ip);
    const startMs = this.input.nowMs();
    const more = await this.input.looker.lookFor(seen, now);
    this.asking.delete(ip);
    this.complete(seen, more);
    if (now.length < names.length || this.input.nowMs() - startMs >= NAMES_MS) this.news = true;
  }

  private complete(seen: Seen, more: Seen): void {
    const { ip } = seen;
    // it was looked at again meanwhile, or has left
    if ((this.fresh.get(ip) ?? this.shown.get(ip)) !== seen) return;
    this.fresh.delete(ip);
    this.shown.set(ip, more);
  }

  private take(seen: Seen): void {
    const { ip } = seen;
    if (showsAny(seen)) {
      this.fresh.set(ip, seen);
      this.looked.set(ip, seen);
      this.asked.delete(ip);
      this.news = true;
    } else if (this.looked.has(ip) && !this.nodes.has(ip)) this.drop(ip);
    this.stillThere(seen);
  }

  private stillThere(seen: Seen): void {
    const { ip, api, https, answered, ports } = seen;
    if (showsAny(seen)) this.answeredMs.set(ip, this.input.nowMs());
    // half of it may still be on its way
    const isWhole = api !== null && https !== null;
    const isHere = answered || this.input.neighbours.isHere(ip);
    if (isHere && !isWhole && !this.nodes.has(ip)) this.booting.keepAsking(seen, ports);
    else this.booting.done(ip);
  }

  private drop(ip: string): void {
    for (const of of [this.shown, this.fresh, this.looked, this.asked, this.answeredMs]) of.delete(ip);
    this.news = true;
  }
}

function showSame(one: Seen, other: Seen): boolean {
  const text = ({ api, https }: Seen): string => JSON.stringify([api, https]);
  return showsAny(one) && text(one) === text(other);
}
