/** A status as a busy lab has it, of any size: what the page is tested with. */
import type { EndpointStatus, PoolStatus } from "../../src/control/status/pool-report.ts";
import type { ClusterStatus, Status } from "../../src/control/status/report.ts";
import type { ServiceName } from "../../src/seam/services.ts";

const STARTED = "2026-08-01T08:00:00.000Z";
const UPTIME_SECONDS = 93_784;

export const NO_RATES = { connections: 0, bytesUp: 0, bytesDown: 0 };

const HISTORY = {
  stepSeconds: 10,
  connections: wave(60, 12.3),
  bytesUp: wave(60, 45_678),
  bytesDown: wave(60, 1_234_567),
};

function wave(steps: number, most: number): readonly number[] {
  return Array.from({ length: steps }, (_, at) => Math.round((most / 2) * (1 + Math.sin(at / 7)) * 10) / 10);
}

export function endpoint(changes: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    node: "192.168.125.20",
    ip: "192.168.125.20",
    port: 6443,
    state: "up",
    reason: "/readyz 200",
    sinceSeconds: 93_780,
    role: "sensed",
    identity: "proven",
    active: 12,
    total: 40_321,
    bytesUp: 123_456_789,
    bytesDown: 987_654_321,
    failures: 0,
    lastFailure: null,
    ...changes,
  };
}

export function pool(kind: ServiceName, endpoints: readonly EndpointStatus[]): PoolStatus {
  return {
    kind,
    policy: kind === "api" ? "leastconn" : kind === "https" ? "source" : "host",
    rung: kind === "api" ? "readyz" : "ready1936",
    state: endpoints.some(({ state }) => state === "up") ? "up" : (endpoints[0]?.state ?? "unknown"),
    reason: "/readyz 200",
    sinceSeconds: 93_780,
    active: 36,
    total: 120_963,
    bytesUp: 1,
    bytesDown: 2,
    endpoints,
  };
}

export function cluster(name: string, changes: Partial<ClusterStatus> = {}): ClusterStatus {
  const nodes = [20, 21, 22, 23, 24, 25].map((last) => `192.168.125.${last}`);
  const of = (port: number): readonly EndpointStatus[] => nodes.map((node) => endpoint({ node, ip: node, port }));
  return {
    name,
    domain: `${name}.linuxera.lab`,
    learnt: false,
    layer: "file",
    from: "clusters.yaml:4:3",
    maxConnections: 0,
    state: "up",
    reason: "/readyz 200",
    sinceSeconds: 93_780,
    active: 108,
    total: 362_889,
    bytesUp: 123_456_789,
    bytesDown: 987_654_321,
    rates: { connections: 12.3, bytesUp: 45_678, bytesDown: 1_234_567 },
    history: HISTORY,
    pools: [pool("api", of(6443)), pool("https", of(443)), pool("http", of(80))],
    certificate: { notAfter: "2026-08-31T08:00:00.000Z" },
    certificates: [
      { family: "api", notAfter: "2026-08-31T08:00:00.000Z" },
      { family: "ingress", notAfter: "2027-08-31T08:00:00.000Z" },
    ],
    warnings: [],
    ...changes,
  };
}

/** Three clusters, 50 unknown names, 200 events: as full as it gets. */
export function sampleStatus(changes: Partial<Status> = {}): Status {
  return {
    version: 1,
    release: "0.1.0",
    pid: 4321,
    engine: "linux",
    workers: 4,
    started: STARTED,
    uptimeSeconds: UPTIME_SECONDS,
    stopping: false,
    file: "/etc/edge-lb/clusters.yaml",
    snapshot: 7,
    reload: { done: 2, failed: 0, lastTime: null, lastError: null, lastMs: null },
    connections: {
      open: 324,
      limit: 16_334,
      accepted: 1_088_667,
      unknownName: 31,
      refused: 2,
      malformed: 0,
      timedOut: 1,
      clientGone: 4,
      faults: 0,
      logLinesDropped: 0,
      logLinesLost: 0,
      shortages: 0,
      byClientAddress: 0,
    },
    probes: { passed: 84_321, failed: 12 },
    rates: { connections: 36.9, bytesUp: 137_034, bytesDown: 3_703_701 },
    history: HISTORY,
    listeners: (["api", "https", "http"] as const).map((kind, at) => ({
      kind,
      address: `:${[6443, 443, 80][at]}`,
      connections: 108,
      total: 362_889,
    })),
    clusters: ["hub", "managed1", "managed2"].map((name) => cluster(name)),
    unknownNames: Array.from({ length: 50 }, (_, at) => ({
      listener: "https" as const,
      name: `console-openshift-console.apps.managd${at}.linuxera.lab`,
      count: 50 - at,
      lastClient: "192.168.125.201",
      lastTime: "2026-08-02T10:00:00.000Z",
      nearest: "console-openshift-console.apps.managed1.linuxera.lab",
    })),
    names: [],
    events: Array.from({ length: 200 }, (_, at) => ({
      id: at + 1,
      time: "2026-08-02T09:59:00.000Z",
      level: at % 5 === 0 ? ("warn" as const) : ("info" as const),
      event: "health",
      message: `managed1: https down on 192.168.125.2${at % 6}: no answer within 2s; 5 of 6 nodes left`,
      fields: { cluster: "managed1" },
    })),
    ...changes,
  };
}
