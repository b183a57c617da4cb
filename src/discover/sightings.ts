/** What every address showed when it was looked at last, and when somebody last answered there. */
import { candidateDomains } from "../core/discover/belonging.ts";
import type { Issuers } from "../core/discover/issuers.ts";
import type { Looker, Ports, Seen } from "./look.ts";
import { domainsOf, showsAny } from "./once.ts";
import type { Candidate } from "./source.ts";

/** A machine that refuses may be one that boots: asked again after this, and no more of them than this. */
const AGAIN_MS = 5_000;
const BOOTING_MOST = 256;

interface Booting {
  readonly candidate: Candidate;
  readonly ports: Ports;
  dueMs: number;
}

export class Sightings {
  private readonly looker: Looker;
  private readonly shown = new Map<string, Seen>();
  private readonly answeredMs = new Map<string, number>();
  private readonly booting = new Map<string, Booting>();
  /** Those that belong to a cluster that is served. */
  private nodes: ReadonlySet<string> = new Set();
  private news = false;

  constructor(looker: Looker) {
    this.looker = looker;
  }

  /** Asks all of them that are not probed anyway; what they show counts once all have been asked. */
  async look(candidates: readonly Candidate[], ports: Ports): Promise<void> {
    const asked = candidates.filter(({ ip }) => !this.nodes.has(ip));
    for (const seen of await Promise.all(asked.map((each) => this.looker.look(each, ports)))) this.take(seen);
  }

  /** Machines that answered and showed nothing yet. */
  async askAgain(nowMs: number): Promise<void> {
    const due = [...this.booting.values()].filter(({ dueMs }) => nowMs >= dueMs);
    for (const each of due) each.dueMs = Number.POSITIVE_INFINITY;
    const seen = await Promise.all(due.map(({ candidate, ports }) => this.looker.look(candidate, ports)));
    for (const each of seen) this.take(each);
  }

  /** @returns whether what is shown changed since this was asked last */
  takeNews(): boolean {
    const { news } = this;
    this.news = false;
    return news;
  }

  /** A probe had an answer. */
  alive(ip: string, nowMs: number): void {
    if (this.shown.has(ip)) this.answeredMs.set(ip, nowMs);
  }

  /** It shows something else than before: looked at again. */
  doubt(ip: string): void {
    const seen = this.shown.get(ip);
    if (seen === undefined || this.booting.has(ip)) return;
    this.booting.set(ip, { candidate: seen, ports: seen.ports, dueMs: 0 });
  }

  setNodes(ips: readonly string[]): void {
    this.nodes = new Set(ips);
  }

  portsOf(ip: string): Ports {
    return this.shown.get(ip)?.ports ?? {};
  }

  /** @returns whether one left that did not answer for so long */
  forget(nowMs: number, goneMs: number): boolean {
    const late = [...this.shown.keys()].filter((ip) => nowMs - (this.answeredMs.get(ip) ?? 0) > goneMs);
    for (const ip of late) this.drop(ip);
    return late.length > 0;
  }

  /** With what they show to the names of all clusters: asked once for each set of names. */
  async withNames(issuers: Issuers): Promise<readonly Seen[]> {
    const all = [...this.shown.values()];
    const domains = new Set([...domainsOf(all), ...candidateDomains(all, issuers)]);
    const open = all.filter(({ ip }) => !this.nodes.has(ip));
    for (const seen of await Promise.all(open.map((each) => this.looker.lookFor(each, domains)))) {
      if (this.shown.has(seen.ip)) this.shown.set(seen.ip, seen);
    }
    return [...this.shown.values()];
  }

  private take(seen: Seen): void {
    const { ip } = seen;
    const before = this.shown.get(ip);
    this.booting.delete(ip);
    if (showsAny(seen)) {
      this.answeredMs.set(ip, performance.now());
      this.shown.set(ip, seen);
      this.news = true;
      // half of it may still be on its way
      if (seen.api === null || seen.https === null) this.keepAsking(seen);
    } else if (before === undefined || !this.nodes.has(ip)) {
      if (before !== undefined) this.drop(ip);
      if (seen.answered) this.keepAsking(seen);
    }
  }

  private keepAsking(seen: Seen): void {
    if (this.booting.size >= BOOTING_MOST || this.nodes.has(seen.ip)) return;
    this.booting.set(seen.ip, { candidate: seen, ports: seen.ports, dueMs: performance.now() + AGAIN_MS });
  }

  private drop(ip: string): void {
    this.shown.delete(ip);
    this.answeredMs.delete(ip);
    this.news = true;
  }
}
