/** What health knows, from one process to the next: nothing becomes unknown again. Times travel as ages. */
import type { Identity, ShownCertificate } from "../../core/health/identity.ts";
import type { Rung } from "../../core/health/ladder.ts";
import type { VerdictState } from "../../core/health/verdict.ts";
import type { HealthModel } from "./health-model.ts";
import type { ProbedNode, TrackedEndpoint } from "./tracked.ts";

export interface HealthFacts {
  readonly endpoints: readonly EndpointFacts[];
  readonly nodes: readonly {
    readonly key: string;
    readonly identity: Identity;
    readonly certificate: ShownCertificate | null;
  }[];
  readonly rungs: readonly (readonly [cluster: string, service: string, rung: Rung])[];
  /** By cluster. */
  readonly learnt: readonly (readonly [string, string])[];
  /** By cluster. */
  readonly warned: readonly (readonly [string, readonly string[]])[];
  /** `cluster/node`. */
  readonly drained: readonly string[];
  readonly counts: { readonly passed: number; readonly failed: number };
}

interface EndpointFacts {
  readonly key: string;
  readonly state: Omit<VerdictState, "sinceMs">;
  readonly stateAgeMs: number;
  readonly sinceWallMs: number;
  readonly served: boolean;
  /** Until its tunnels are cut; null: nothing to cut. */
  readonly cutInMs: number | null;
  /** Since slow start began; null: full share. */
  readonly rampAgeMs: number | null;
}

/** The same in both processes; cells are not. */
function keyOf({ cluster, service, at }: TrackedEndpoint): string {
  return `${cluster.name} ${service.name} ${at.ip} ${at.port}`;
}

export function healthFacts(
  model: HealthModel,
  nowMs: number,
  rest: Pick<HealthFacts, "learnt" | "warned" | "drained" | "counts">,
): HealthFacts {
  return {
    ...rest,
    endpoints: model.endpoints.filter(({ own }) => !own).map((endpoint) => endpointFacts(endpoint, nowMs)),
    nodes: model.nodes.map(({ key, identity, certificate }) => ({ key, identity, certificate })),
    rungs: model.clusters.flatMap(({ name, rungs }) =>
      [...rungs].map(([service, rung]) => [name, service, rung] as const),
    ),
  };
}

function endpointFacts(endpoint: TrackedEndpoint, nowMs: number): EndpointFacts {
  const { sinceMs, ...state } = endpoint.state;
  const { served, sinceWallMs, cutDueMs, rampFromMs } = endpoint;
  return {
    key: keyOf(endpoint),
    state,
    stateAgeMs: nowMs - sinceMs,
    sinceWallMs,
    served,
    cutInMs: cutDueMs === null ? null : cutDueMs - nowMs,
    rampAgeMs: rampFromMs === null ? null : nowMs - rampFromMs,
  };
}

/** @param learnIdentity called for each node whose certificate is known */
export function carryHealth(
  model: HealthModel,
  facts: HealthFacts,
  nowMs: number,
  learnIdentity: (node: ProbedNode) => void,
): void {
  const endpoints = new Map(facts.endpoints.map((each) => [each.key, each]));
  for (const endpoint of model.endpoints) {
    const before = endpoints.get(keyOf(endpoint));
    if (before === undefined || endpoint.own) continue;
    endpoint.state = { ...before.state, sinceMs: nowMs - before.stateAgeMs };
    endpoint.sinceWallMs = before.sinceWallMs;
    endpoint.served = before.served;
    endpoint.cutDueMs = before.cutInMs === null ? null : nowMs + before.cutInMs;
    endpoint.rampFromMs = before.rampAgeMs === null ? null : nowMs - before.rampAgeMs;
  }
  const clusters = new Map(model.clusters.map((cluster) => [cluster.name, cluster]));
  for (const [name, service, rung] of facts.rungs) clusters.get(name)?.rungs.set(service, rung);
  const nodes = new Map(facts.nodes.map((node) => [node.key, node]));
  for (const node of model.nodes) {
    const before = nodes.get(node.key);
    if (before === undefined || before.certificate === null) continue;
    node.identity = before.identity;
    node.certificate = before.certificate;
    learnIdentity(node);
  }
}
