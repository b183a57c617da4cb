/**
 * Nodes given by name: control looks their addresses up again and again, keeps the last good answer, and reports a change.
 * The data plane never sees a name.
 */
import * as dns from "node:dns/promises";
import { isMachineAddress, type NodeSpec } from "../../config/values/addresses.ts";
import type { Config } from "../../config/model.ts";
import { allNodes } from "../../config/clusters/service-settings.ts";
import { canonicalIp } from "../../core/address.ts";
import type { EventLog } from "../log/event-log.ts";
import { systemClock, type Cancel, type Clock } from "../health/system-clock.ts";
import { codeOf } from "../../errors.ts";

export interface Found {
  readonly addresses: readonly string[];
  /** How long the answer holds, ms; null: not known (hosts file, mDNS). */
  readonly ttlMs: number | null;
}

export type Lookup = (host: string) => Promise<Found>;

/** What is known of a name, for status and page. */
export interface NameView {
  readonly host: string;
  readonly addresses: readonly string[];
  /** Why the last question failed; null: it did not. */
  readonly error: string | null;
}

export interface ResolverInput {
  readonly log: EventLog;
  /** The addresses of some name changed. Not called for answers that `start` and `update` waited for. */
  readonly onChange: () => void;
  readonly lookup?: Lookup;
  readonly timer?: (ms: number, fire: () => void) => Cancel;
}

/** Between two questions where no TTL is known. */
const AGAIN_MS = 30_000;
/** Below this a TTL would only make work, above it a moved VM would stay lost too long. */
const TTL_LEAST_MS = 5_000;
const TTL_MOST_MS = 300_000;
/** A resolver that does not answer must not keep edge-lb from starting. */
const START_WAIT_MS = 2_000;
/** More addresses than one node can sensibly have. */
const ADDRESSES_MOST = 16;

interface Name {
  readonly host: string;
  addresses: readonly string[];
  error: string | null;
  /** Addresses of the last answer that no machine can have, as told. */
  refused: string;
  timer: Cancel | null;
  gone: boolean;
}

export class Resolver {
  private readonly log: EventLog;
  private readonly onChange: () => void;
  private readonly lookup: Lookup;
  private readonly timer: (ms: number, fire: () => void) => Cancel;
  private readonly names = new Map<string, Name>();
  private readonly before = new Map<string, readonly string[]>();

  constructor({ log, onChange, lookup = systemLookup, timer = systemClock.timer }: ResolverInput) {
    this.log = log;
    this.onChange = onChange;
    this.lookup = lookup;
    this.timer = timer;
  }

  /**
   * Look up the names of a configuration that are not known yet; those that stay keep what is known of them. Resolves when
   * all have answered, or after 2 s: late answers come through `onChange`.
   */
  async update(config: Config): Promise<void> {
    const wanted = namesOf(config);
    for (const [host, name] of this.names) if (!wanted.has(host)) this.forget(name);
    const added = [...wanted].filter((host) => !this.names.has(host)).map((host) => this.add(host));
    if (added.length === 0) return;
    let late = false;
    const waiting = new Set(added);
    const answers = added.map(async (name) => {
      await this.ask(name);
      waiting.delete(name);
      if (late && name.addresses.length > 0) this.onChange();
    });
    await within(this.timer, START_WAIT_MS, Promise.all(answers));
    late = true;
    for (const name of waiting) if (!name.gone) stillWaiting(name, this.log);
  }

  /** Addresses of a node in canonical text; of a name that never resolved: none. */
  addressesOf(node: NodeSpec): readonly string[] {
    return node.isName ? (this.names.get(node.host)?.addresses ?? []) : [node.host];
  }

  /** What a process before knew, until the first answer here; to be called before the first `update`. */
  carry(names: readonly NameView[]): void {
    for (const { host, addresses } of names) this.before.set(host, addresses);
  }

  view(): readonly NameView[] {
    return [...this.names.values()].map(({ host, addresses, error }) => ({ host, addresses, error }));
  }

  stop(): void {
    for (const name of this.names.values()) this.forget(name);
  }

  private add(host: string): Name {
    const name: Name = {
      host,
      addresses: this.before.get(host) ?? [],
      error: null,
      refused: "",
      timer: null,
      gone: false,
    };
    this.before.delete(host);
    this.names.set(host, name);
    return name;
  }

  private forget(name: Name): void {
    name.gone = true;
    name.timer?.cancel();
    this.names.delete(name.host);
  }

  /** @returns whether the addresses changed */
  private async ask(name: Name): Promise<boolean> {
    let againMs = AGAIN_MS;
    let changed = false;
    try {
      const found = await this.lookup(name.host);
      if (name.gone) return false;
      againMs = found.ttlMs === null ? AGAIN_MS : Math.min(Math.max(found.ttlMs, TTL_LEAST_MS), TTL_MOST_MS);
      changed = take(name, found.addresses, this.log);
    } catch (error) {
      if (name.gone) return false;
      fail(name, error, this.log);
      if (name.addresses.length === 0) againMs = TTL_LEAST_MS;
    }
    name.timer = this.timer(againMs, () => void this.askAgain(name));
    return changed;
  }

  private async askAgain(name: Name): Promise<void> {
    if (await this.ask(name)) this.onChange();
  }
}

function namesOf(config: Config): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const cluster of config.clusters) {
    for (const node of allNodes(cluster)) if (node.isName) hosts.add(node.host);
  }
  return hosts;
}

/** @returns whether the addresses changed */
function take(name: Name, found: readonly string[], log: EventLog): boolean {
  const all = [...new Set(found.map((ip) => canonicalIp(ip)).filter((ip) => ip !== null))].sort();
  const addresses = all.filter(isMachineAddress).slice(0, ADDRESSES_MOST);
  const refused = all.filter((ip) => !isMachineAddress(ip)).join(", ");
  if (addresses.length === 0) throw new Error(refused === "" ? "no address" : refusedText(refused));
  if (refused !== "" && refused !== name.refused) {
    log.warn("names", `${name.host}: ${refusedText(refused)}; using ${addresses.join(", ")}`, { host: name.host });
  }
  name.refused = refused;
  const before = name.addresses.join(", ");
  const now = addresses.join(", ");
  if (name.error !== null) log.info("names", `${name.host} resolves again: ${now}`, { host: name.host });
  else if (before !== "" && before !== now) {
    log.info("names", `${name.host} moved: ${now} (was ${before})`, { host: name.host, addresses: now });
  }
  name.error = null;
  name.addresses = addresses;
  return before !== now;
}

function refusedText(addresses: string): string {
  return `the answer ${addresses} is no address of a machine`;
}

/** What is looked up longer than the start waits for; an answer or a failure has a line of its own. */
function stillWaiting({ host, addresses }: Name, log: EventLog): void {
  const kept = addresses.length === 0 ? "it has no endpoint yet" : `keeping ${addresses.join(", ")}`;
  const waited = `no answer within ${START_WAIT_MS / 1000} s`;
  log.warn("names", `Cannot resolve ${host} so far: ${waited}; ${kept}`, { host, error: waited });
}

/** Said once, not every 30 s. */
function fail(name: Name, error: unknown, log: EventLog): void {
  const why = errorWords(error);
  if (name.error === null) {
    const kept = name.addresses.length === 0 ? "it has no endpoint yet" : `keeping ${name.addresses.join(", ")}`;
    log.warn("names", `Cannot resolve ${name.host}: ${why}; ${kept}`, { host: name.host, error: why });
  }
  name.error = why;
}

function errorWords(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const code = codeOf(error);
  if (code === "ENOTFOUND") return "no such name";
  if (code === "EAI_AGAIN") return "the name server does not answer";
  return code ?? error.message;
}

/** The system's answer (hosts file first, as every other program sees it), with the TTL where DNS gave the same addresses. */
export const systemLookup: Lookup = async (host) => {
  const all = await dns.lookup(host, { all: true });
  const addresses = all.map(({ address }) => address);
  return { addresses, ttlMs: await within(systemClock.timer, TTL_WAIT_MS, ttlOf(host, addresses)) };
};

/** Where the hosts file has the addresses, a name server that does not answer must not hold them back. */
const TTL_WAIT_MS = 1_000;

/** Null: it took longer. */
async function within<T>(timer: Clock["timer"], ms: number, work: Promise<T>): Promise<T | null> {
  let waiting: Cancel | null = null;
  const over = new Promise<null>((resolve) => (waiting = timer(ms, () => resolve(null))));
  const first = await Promise.race([work, over]);
  (waiting as Cancel | null)?.cancel();
  return first;
}

async function ttlOf(host: string, addresses: readonly string[]): Promise<number | null> {
  try {
    const records = await dns.resolve4(host, { ttl: true });
    const same = records.length > 0 && records.every(({ address }) => addresses.includes(address));
    return same ? Math.min(...records.map(({ ttl }) => ttl)) * 1000 : null;
  } catch {
    return null; // only in the hosts file, only IPv6, or no DNS at all
  }
}
