/** A bench for health: a clock driven by hand, nodes whose answers are set, a board and a log to inspect. */
import type { ClusterConfig, Config } from "../../../src/config/model.ts";
import { dataPart } from "../../../src/config/options/option-group.ts";
import { LIMITS, TIMEOUTS } from "../../../src/config/options/timeouts.ts";
import type { Evidence } from "../../../src/core/health/ladder.ts";
import type { ShownCertificate } from "../../../src/core/health/identity.ts";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import type { Clock } from "../../../src/control/health/system-clock.ts";
import type { EndpointHealth } from "../../../src/control/health/view.ts";
import { HealthMonitor, type HealthInput } from "../../../src/control/health/monitor.ts";
import type { NodeProbe, ProbePlan, NodeProbeResult, ProbeRequest } from "../../../src/control/probe/node-probe.ts";
import { openBoard, type Board } from "../../../src/seam/board.ts";
import type { ClusterPlan, Endpoint, Pool, Snapshot } from "../../../src/seam/snapshot.ts";
import { type ServiceName, type Policy, SERVICES } from "../../../src/seam/services.ts";
import { load } from "../../config/loading.ts";
import { nodesFor } from "../../../src/config/clusters/service-settings.ts";
import { policyOf } from "../../../src/config/clusters/service-settings.ts";

export interface HandClock extends Clock {
  /** Fire what falls due within so many ms, letting promises settle in between. */
  pass(ms: number): Promise<void>;
  /** Somebody sets the wall clock. */
  setWall(byMs: number): void;
}

export function handClock(): HandClock {
  let now = 1_000_000;
  let wallMs = 1.7e12;
  let timers: { at: number; fire: () => void }[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return {
    nowMs: () => now,
    wallMs: () => wallMs + now,
    setWall: (byMs) => void (wallMs += byMs),
    timer(ms, fire) {
      const entry = { at: now + ms, fire };
      timers.push(entry);
      return { cancel: () => (timers = timers.filter((each) => each !== entry)) };
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers = timers.filter((each) => each !== next);
        now = Math.max(now, next.at);
        next.fire();
        await settle();
      }
      now = end;
    },
  };
}

export function clusterConfig(name: string, change: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name,
    domain: `${name}.lab`,
    layer: "flags",
    where: "--cluster",
    nodes: [],
    api: null,
    ingress: null,
    names: [],
    apiNames: [],
    ownNames: {},
    ownNodes: { https: null, http: null, mcs: null },
    clients: [],
    ports: { api: 6443, https: 443, http: 80, mcs: 22_623, ready: 1936 },
    balance: { api: "leastconn", https: "source", http: "host", mcs: "leastconn" },
    wake: null,
    sleep: null,
    sleepAfterMs: 1_800_000,
    ttlMs: null,
    untilMs: null,
    check: "auto",
    rise: 3,
    fall: 2,
    intervalMs: 5_000,
    allow: [],
    maxConnections: 0,
    sendProxy: 0,
    source: "edge",
    allDown: "try",
    redirectHttps: false,
    ...change,
  };
}

const DEFAULTS = load([]);

export function configOf(clusters: readonly ClusterConfig[]): Config {
  return { ...DEFAULTS, clusters };
}

/** Cells are handed out by name, as control does. */
const cells = new Map<string, number>();
function cellOf(key: string): number {
  const cell = cells.get(key) ?? cells.size;
  cells.set(key, cell);
  return cell;
}

/** Every literal node in every pool of the cluster. */
export function snapshotOf(config: Config, kinds: readonly ServiceName[] = ["api", "https", "http"]): Snapshot {
  const clusters = config.clusters.map((cluster): ClusterPlan => {
    const pools = SERVICES.map((service): Pool | null => {
      const kind = service.name;
      if (!kinds.includes(kind)) return null;
      const endpoints = nodesFor(cluster, service).map(({ host }): Endpoint => ({
        cell: cellOf(`${cluster.name} ${kind} ${host}`),
        at: { ip: host, port: cluster.ports[kind] },
        hash: 0,
        node: host,
      }));
      const policy: Policy = policyOf(cluster, service);
      return { cell: cellOf(`${cluster.name} ${kind}`), policy, idleMs: 0, sendProxy: 0, endpoints };
    });
    const fixed = {
      allow: [],
      addresses: [],
      clients: [],
      maxConnections: 0,
      source: "edge" as const,
      allDown: cluster.allDown,
      redirectHttps: false,
      wakes: false,
    };
    return { name: cluster.name, cell: cellOf(cluster.name), ...fixed, pools };
  });
  return {
    version: 1,
    services: SERVICES,
    clusters,
    exact: [],
    below: [],
    labels: [],
    rest: [],
    fallback: [-1, -1, -1, -1],
    bridges: [],
    timeouts: dataPart(TIMEOUTS, config.timeouts),
    limits: { ...dataPart(LIMITS, config.limits), helloBytes: 0 },
    maxConnections: 0,
    maxConnectionsPerClient: 0,
    httpsPort: 443,
    acceptProxy: [],
    trustedProxies: [],
    forwarded: false,
    allow: [],
  };
}

export const nodes = (...hosts: readonly string[]): { host: string; isName: boolean }[] =>
  hosts.map((host) => ({ host, isName: false }));

/** How a node behaves: what its readiness question and its ports give. */
export interface Behaviour {
  readonly ready: Evidence;
  readonly own: Evidence;
  readonly names?: readonly string[];
  readonly offersH2?: boolean;
  readonly issuer?: string;
  readonly notAfterMs?: number;
  /** The names of the certificate shown to another server name. */
  readonly present?: (servername: string) => readonly string[];
}

const fault = (got: "nothing" | "tcp" | "tls", why: "refused" | "silent" | "alert"): Evidence => ({
  got,
  fault: why,
  timeoutMs: 2_000,
});
const tls: Evidence = { got: "tls", fault: null, timeoutMs: 2_000 };
const status = (code: number): Evidence => ({ got: "http", status: code });
export const WELL: Behaviour = { ready: status(200), own: tls };
export const NOT_READY: Behaviour = { ready: status(500), own: tls };
export const REFUSING: Behaviour = { ready: fault("nothing", "refused"), own: fault("nothing", "refused") };
export const SILENT: Behaviour = { ready: fault("nothing", "silent"), own: fault("nothing", "silent") };
export const ALERTING: Behaviour = { ready: fault("tcp", "alert"), own: fault("tcp", "alert") };

export interface Bench {
  readonly health: HealthMonitor;
  readonly clock: HandClock;
  readonly board: Board;
  readonly lines: string[];
  readonly cuts: { cell: number; afterMs: number; reason: string; atMs: number }[];
  readonly probes: { ip: string; family: string; atMs: number; request: ProbeRequest; servername: string | null }[];
  readonly learnt: [string, string][];
  /** Behaviours by "family ip", or by ip for both families. */
  readonly net: Map<string, Behaviour>;
  view(kind: ServiceName, ip: string): EndpointHealth;
  states(kind: ServiceName): string[];
}

export function bench(config: Config, net: Record<string, Behaviour>, more: Partial<HealthInput> = {}): Bench {
  const clock = handClock();
  const board = openBoard(1);
  const lines: string[] = [];
  const cuts: Bench["cuts"] = [];
  const probes: Bench["probes"] = [];
  const learnt: [string, string][] = [];
  const behaviours = new Map(Object.entries(net));
  const say = (_event: string, message: string): void => void lines.push(message);
  const log: EventLog = { info: say, warn: say, error: say };
  const of = (plan: ProbePlan): Behaviour =>
    behaviours.get(`${plan.group.name} ${plan.ip}`) ?? behaviours.get(plan.ip) ?? SILENT;
  const certificate = (names: readonly string[] | undefined, behaviour: Behaviour): ShownCertificate | null =>
    names === undefined
      ? null
      : {
          names,
          notAfterMs: behaviour.notAfterMs ?? 4e12,
          fingerprint: names.join(),
          issuer: behaviour.issuer ?? "toy",
          offersH2: behaviour.offersH2 ?? false,
        };
  const makeNodeProbe = (plan: ProbePlan): NodeProbe => ({
    async probe(request): Promise<NodeProbeResult> {
      probes.push({ ip: plan.ip, family: plan.group.name, atMs: clock.nowMs(), request, servername: plan.servername });
      const behaviour = of(plan);
      const reads = behaviour.own.got === "tls" ? certificate(behaviour.names, behaviour) : null;
      const own = Object.fromEntries(plan.ports.map(({ service }) => [service.name, behaviour.own]));
      if (plan.group.name !== "ingress") {
        // readiness and traffic share a port: one connection is both
        const evidence = request.readiness ? behaviour.ready : behaviour.own;
        return {
          ready: request.readiness ? evidence : null,
          own: { [plan.group.name]: evidence },
          certificate: reads,
          inconclusive: false,
        };
      }
      return { ready: request.readiness ? behaviour.ready : null, own, certificate: reads, inconclusive: false };
    },
    certificateShownTo: async (servername) => certificate(of(plan).present?.(servername) ?? of(plan).names, of(plan)),
    close: () => undefined,
  });
  const health = new HealthMonitor({
    config,
    snapshot: snapshotOf(config),
    board,
    log,
    cut: (cell, afterMs, reason) => void cuts.push({ cell, afterMs, reason, atMs: clock.nowMs() }),
    onDomains: (domains) => void learnt.push(...domains),
    clock,
    random: () => 0.5,
    makeNodeProbe,
    ...more,
  });
  health.start();
  const view = (kind: ServiceName, ip: string): EndpointHealth => {
    const found = health.endpoints().find((each) => each.kind === kind && each.ip === ip);
    if (found === undefined) throw new Error(`no endpoint ${kind} ${ip}`);
    return found;
  };
  const states = (kind: ServiceName): string[] =>
    health
      .endpoints()
      .filter((each) => each.kind === kind)
      .map(({ state }) => state);
  return { health, clock, board, lines, cuts, probes, learnt, net: behaviours, view, states };
}
