/** What discovery says: each thing once, until it is otherwise. */
import type { EventLog } from "../control/log/event-log.ts";
import type { DiscoveryView, SourceView } from "../control/serve/discovery-view.ts";
import type { Findings } from "../core/discover/clusters.ts";
import { EdgeError } from "../errors.ts";
import type { IssuerMemory } from "./issuer-memory.ts";

/** Findings that are remembered as told; more strangers than this are told of again. */
const TOLD_MOST = 4_096;

export class Tellings {
  private readonly log: EventLog;
  private readonly memory: IssuerMemory;
  private readonly view: DiscoveryView;
  private readonly sources = new Map<string, SourceView>();
  private told = new Set<string>();
  private toldMemory = false;
  /** Why what was found could not be served last. */
  private fault = "";

  constructor(log: EventLog, memory: IssuerMemory, view: DiscoveryView) {
    this.log = log;
    this.view = view;
    this.memory = memory;
  }

  memoryKept(): void {
    if (this.toldMemory) return;
    this.toldMemory = true;
    const { path, fault } = this.memory;
    if (fault !== null) return this.log.warn("discover", `who signs certificates cannot be kept in ${path}: ${fault}`);
    const where = path === null ? "until the end of this process: there is no $STATE_DIRECTORY" : `in ${path}`;
    this.log.info("discover", `who signs the certificates of discovered clusters is remembered ${where}`);
  }

  /** @param texts The sources there are. */
  sourcesAre(texts: readonly string[]): void {
    const known = texts.map((source) => this.sources.get(source) ?? { source, addresses: null, fault: null });
    this.sources.clear();
    for (const each of known) this.sources.set(each.source, each);
    this.show();
  }

  sourceFailed(source: string, error: unknown): void {
    const fault = error instanceof EdgeError ? error.toLine() : String(error);
    const before = this.sources.get(source);
    if (before === undefined) return; // it was taken out meanwhile
    this.sources.set(source, { ...before, fault });
    this.show();
    if (before.fault !== fault) this.log.warn("discover", fault, { source });
  }

  sourceAnswered(source: string, addresses: number): void {
    const before = this.sources.get(source);
    if (before === undefined) return; // it was taken out meanwhile
    this.sources.set(source, { source, addresses, fault: null });
    this.show();
    if (before.fault !== null) this.log.info("discover", `${source} answers again`, { source });
  }

  notServed(error: EdgeError): void {
    const words = error.toLine();
    if (words !== this.fault) this.log.warn("discover", words);
    this.fault = words;
  }

  private show(): void {
    this.view.sources = [...this.sources.values()];
  }

  findings({ foreign, nameless, taken }: Findings): void {
    const { path } = this.memory;
    const way = path === null ? "" : `; if its authority is new, take it out of ${path} and restart`;
    const lines = new Set([
      ...foreign.map(
        ({ ip, claims }) => `foreign: ${ip} shows ${claims} signed by another authority and gets no client${way}`,
      ),
      ...nameless.map(
        ({ ip }) => `${ip} has an API without a name for clients outside: --cluster NAME=${ip},domain=DOMAIN`,
      ),
      ...taken.map(({ ip, what, cluster }) => `${ip} serves ${what}, which is cluster ${cluster}'s: not added to it`),
    ]);
    this.view.notes = [...lines];
    for (const line of lines) if (!this.told.has(line)) this.log.warn("discover", line);
    this.told = new Set([...lines].slice(0, TOLD_MOST));
  }

  /** @param before Specs, `NAME=…`. */
  served(before: readonly string[], now: readonly string[]): void {
    const names = (specs: readonly string[]): readonly string[] =>
      specs.map((spec) => spec.slice(0, spec.indexOf("=")));
    const [old, fresh] = [names(before), names(now)];
    for (const name of fresh) {
      if (!old.includes(name)) this.log.info("cluster found", `cluster found: ${name}`, { cluster: name });
    }
    for (const name of old) {
      if (!fresh.includes(name)) this.log.info("cluster gone", `cluster gone: ${name}`, { cluster: name });
    }
  }
}
