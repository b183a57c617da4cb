/** A status as a small lab would have it: one cluster with a healthy and a dead node, some traffic, a stranger's name. */
import type { EndpointStatus } from "../../src/control/status/pool-report.ts";
import type { Status } from "../../src/control/status/report.ts";

const NO_RATES = { connections: 0, bytesUp: 0, bytesDown: 0 };
const HISTORY = { stepSeconds: 10, connections: [0, 1, 2], bytesUp: [0, 10, 20], bytesDown: [0, 100, 200] };

export function endpoint(more: Partial<EndpointStatus> = {}): EndpointStatus {
  return {
    node: "192.168.125.20",
    ip: "192.168.125.20",
    port: 6443,
    role: "given",
    identity: "proven",
    failures: 0,
    lastFailure: null,
    state: "up",
    reason: "/readyz 200",
    sinceSeconds: 9,
    active: 1,
    total: 40,
    bytesUp: 1_000,
    bytesDown: 20_000,
    ...more,
  };
}

export function sampleStatus(more: Partial<Status> = {}): Status {
  const dead = endpoint({
    node: "worker-1.lab",
    ip: "fd00::21",
    state: "dead",
    reason: "connection refused",
    active: 0,
    total: 2,
    failures: 3,
    bytesUp: 1,
    bytesDown: 2,
    lastFailure: { error: "refused", time: "2026-11-23T20:00:00.000Z" },
  });
  const traffic = { active: 1, total: 42, bytesUp: 1_001, bytesDown: 20_002 };
  const health = { state: "up", reason: "/readyz 200", sinceSeconds: 9 } as const;
  return {
    version: 1,
    release: "0.1.0",
    pid: 4_711,
    engine: "linux",
    workers: 2,
    started: "2026-11-23T19:00:00.000Z",
    uptimeSeconds: 3_600,
    stopping: false,
    file: "/etc/edge-lb.yaml",
    snapshot: 3,
    reload: { done: 2, failed: 1, lastTime: "2026-11-23T19:30:00.000Z", lastError: null, lastMs: 12 },
    connections: {
      open: 1,
      accepted: 45,
      unknownName: 3,
      refused: 0,
      malformed: 1,
      timedOut: 0,
      clientGone: 2,
      faults: 0,
      logLinesDropped: 4,
      shortages: 0,
      byClientAddress: 0,
      logLinesLost: 1,
      limit: 4_950,
    },
    probes: { passed: 100, failed: 7 },
    rates: { connections: 0.5, bytesUp: 10, bytesDown: 200 },
    history: HISTORY,
    listeners: [
      { kind: "api", address: ":6443", connections: 1, total: 42 },
      { kind: "https", address: ":443", connections: 0, total: 0 },
    ],
    clusters: [
      {
        name: "hub",
        domain: "hub.lab",
        learnt: false,
        layer: "flags",
        from: "--cluster hub=192.168.125.20",
        maxConnections: 0,
        rates: NO_RATES,
        history: HISTORY,
        certificate: { notAfter: "2026-12-24T00:00:00.000Z" },
        certificates: [{ family: "api", notAfter: "2026-12-24T00:00:00.000Z" }],
        warnings: ["the ingress certificate expires on 2026-12-24"],
        ...health,
        ...traffic,
        pools: [
          { kind: "api", policy: "leastconn", rung: "readyz", ...health, ...traffic, endpoints: [endpoint(), dead] },
        ],
      },
    ],
    unknownNames: [
      {
        listener: "https",
        name: "x.y",
        count: 3,
        lastClient: "10.0.0.9",
        lastTime: "2026-11-23T19:59:00.000Z",
        nearest: null,
      },
    ],
    names: [],
    events: [],
    ...more,
  };
}
