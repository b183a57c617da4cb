/** Looks for clusters all the time, and has edge-lb serve what is found. One look at a time for each source. */
import { sourceText, type DiscoverSource } from "../config/values/discover-source.ts";
import { allNodes, namesOf } from "../config/clusters/service-settings.ts";
import type { DiscoveryAccess, RunningDiscovery } from "../control/discovery-door.ts";
import { judgeBelonging } from "../core/discover/belonging.ts";
import { findClusters, type Findings, type Given } from "../core/discover/clusters.ts";
import { EdgeError } from "../errors.ts";
import { clusterSpec, withPorts } from "./cluster-text.ts";
import { IssuerMemory } from "./issuer-memory.ts";
import { Looker } from "./look.ts";
import { Neighbours } from "./neighbours.ts";
import { openSource } from "./open-source.ts";
import { Pacer } from "./pacer.ts";
import { Sightings } from "./sightings.ts";
import type { Candidate, Source } from "./source.ts";
import { Tellings } from "./tellings.ts";

const TICK_MS = 1_000;

/** A source that is looked at. */
interface Watched {
  readonly source: Source;
  /** What it proposed last, by address. */
  candidates: ReadonlyMap<string, Candidate>;
  dueMs: number;
  busy: boolean;
}

export function startDiscovery(access: DiscoveryAccess): RunningDiscovery {
  const discovery = new Discovery(access);
  discovery.start();
  return discovery;
}

class Discovery implements RunningDiscovery {
  private readonly access: DiscoveryAccess;
  private readonly neighbours = new Neighbours();
  private readonly memory = new IssuerMemory(process.env["STATE_DIRECTORY"]);
  private readonly sightings: Sightings;
  private readonly tellings: Tellings;
  private readonly sources = new Map<string, Watched>();
  /** By domain or first API name. */
  private names = new Map<string, string>();
  private specs: readonly string[] = [];
  /** Sources as configured last. */
  private wanted: readonly DiscoverSource[] = [];
  private deciding = false;
  private timer: ReturnType<typeof setInterval> | null = null;

  constructor(access: DiscoveryAccess) {
    this.access = access;
    access.supervisor.trust.set(this.memory.issuers);
    this.specs = access.reload.layer.discovered ?? [];
    const { own, log, discovery } = access.supervisor;
    const { neighbours } = this;
    const looker = new Looker({
      pacer: new Pacer(),
      isOwn: (at) => own.reachedAt(at) !== null,
      isAbsent: (ip) => neighbours.isAbsent(ip),
    });
    this.sightings = new Sightings({ looker, neighbours, nowMs: () => performance.now() });
    this.tellings = new Tellings(log, this.memory, discovery);
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
    this.tick();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private tick(): void {
    const nowMs = performance.now();
    this.updateSources(nowMs);
    for (const [text, watched] of this.sources) {
      if (!watched.busy && nowMs >= watched.dueMs) void this.lookAt(text, watched);
    }
    this.noteProbes();
    this.noteArrivals();
    void this.sightings.askAgain();
    this.sightings.forget(this.access.supervisor.config.timeouts.gone);
    // what is news meanwhile is still news afterwards
    if (!this.deciding && this.sightings.takeNews()) void this.decide();
  }

  private updateSources(nowMs: number): void {
    const { config } = this.access.supervisor;
    const wanted = new Map(config.discover.map((spec) => [sourceText(spec), spec]));
    for (const text of this.sources.keys()) if (!wanted.has(text)) this.sources.delete(text);
    if (config.discover !== this.wanted) this.tellings.sourcesAre([...wanted.keys()]);
    this.wanted = config.discover;
    for (const [text, spec] of wanted) if (!this.sources.has(text)) this.open(text, spec, nowMs);
    if (wanted.size > 0) this.tellings.memoryKept();
  }

  private open(text: string, spec: DiscoverSource, nowMs: number): void {
    try {
      const source = openSource(spec, { env: process.env });
      this.sources.set(text, { source, candidates: new Map(), dueMs: nowMs, busy: false });
    } catch (error) {
      this.tellings.sourceFailed(text, error);
    }
  }

  private async lookAt(text: string, watched: Watched): Promise<void> {
    watched.busy = true;
    watched.dueMs = performance.now() + watched.source.everyMs;
    try {
      const given = new Set(this.given().flatMap(({ addresses }) => addresses));
      const candidates = (await watched.source.find()).filter(({ ip }) => !given.has(ip));
      watched.candidates = new Map(candidates.map((each) => [each.ip, each]));
      this.tellings.sourceAnswered(text, candidates.length);
      await this.sightings.look(candidates, watched.source.spec.ports);
    } catch (error) {
      this.tellings.sourceFailed(text, error);
    } finally {
      watched.busy = false;
    }
  }

  /** Nodes of discovered clusters are probed, so no look is needed to know that they are there. */
  private noteProbes(): void {
    const { config, health } = this.access.supervisor;
    const discovered = new Set(config.clusters.filter(({ layer }) => layer === "discovered").map(({ name }) => name));
    for (const { cluster, ip, state, identity } of health?.endpoints() ?? []) {
      if (!discovered.has(cluster)) continue;
      if (identity === "foreign") this.sightings.doubt(ip);
      else if (state === "up" || state === "not-ready") this.sightings.alive(ip);
    }
  }

  /** A machine that boots asks this one for something long before the next sweep, and long before its API serves. */
  private noteArrivals(): void {
    for (const ip of this.neighbours.arrived()) {
      for (const { source, candidates } of this.sources.values()) {
        const candidate = candidates.get(ip);
        if (candidate !== undefined) this.sightings.arrived(candidate, source.spec.ports);
      }
    }
  }

  private async decide(): Promise<void> {
    this.deciding = true;
    try {
      const seen = await this.sightings.withNames(this.memory.issuers);
      const given = this.given();
      const addresses = new Set(given.flatMap((each) => each.addresses));
      const judged = judgeBelonging(
        seen.filter(({ ip }) => !addresses.has(ip)),
        this.memory.issuers,
      );
      this.memory.keep(judged.issuers);
      this.access.supervisor.trust.set(judged.issuers);
      const findings = findClusters(judged, given, this.names);
      this.names = new Map(
        findings.clusters.map(({ name, domain, apiNames }) => [domain ?? apiNames[0] ?? name, name]),
      );
      this.sightings.setNodes(findings.clusters.flatMap(({ nodes }) => nodes));
      await this.serve(findings);
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      this.tellings.notServed(error);
    } finally {
      this.deciding = false;
    }
  }

  private async serve(findings: Findings): Promise<void> {
    this.tellings.findings(findings);
    const specs = findings.clusters.map((cluster) =>
      clusterSpec(withPorts(cluster, (ip) => this.sightings.portsOf(ip))),
    );
    if (specs.join("\n") === this.specs.join("\n")) return;
    const before = this.specs;
    this.specs = specs;
    const { reload } = this.access;
    const done = await reload.change({ why: "discover", edit: (layer) => ({ ...layer, discovered: specs }) });
    if (done.ok) this.tellings.served(before, specs);
    else this.specs = before;
  }

  private given(): readonly Given[] {
    const { config, health } = this.access.supervisor;
    const given = config.clusters.filter(({ layer }) => layer !== "discovered");
    return given.map((cluster) => ({
      name: cluster.name,
      domain: cluster.domain ?? health?.domainOf(cluster.name) ?? null,
      names: namesOf(cluster),
      addresses: allNodes(cluster).map(({ host }) => host),
    }));
  }
}
