/** `GET /v1/explain?name=&from=&listener=`: where a name or URL goes right now, to which nodes, and why to no others. */
import { cidrText } from "../../config/values/addresses.ts";
import { rankOfHealth } from "../../core/balance/pick.ts";
import type { RouteMatch } from "../../core/route/match.ts";
import { nearestName } from "../../core/route/nearest.ts";
import { FULL_WEIGHT, HEALTH } from "../../seam/board.ts";
import type { ClusterPlan } from "../../seam/snapshot.ts";
import type { Service, ServiceName } from "../../seam/services.ts";
import {
  readAskedName,
  refusalOf,
  routeAsked,
  ruleText,
  servicesAsked,
  type AskedName,
  type Circumstances,
} from "./asked-name.ts";
import type { Facts } from "../serve/facts.ts";
import { poolStatusOf, type EndpointStatus, type PoolStatus } from "../status/pool-report.ts";

export interface Explanation {
  /** Canonical. */
  readonly name: string;
  /** Listeners that were asked; none: nothing listens on that port. */
  readonly kinds: readonly ServiceName[];
  readonly matches: readonly Match[];
  /** The known name that was probably meant, when nothing matches. */
  readonly nearest: string | null;
}

export interface Match {
  readonly kind: ServiceName;
  /** Earlier releases do not say. */
  readonly routedBy?: Service["routedBy"];
  /** The name or pattern that matched. */
  readonly rule: string;
  readonly cluster: string;
  /** Where that is configured. */
  readonly from: string;
  /** Client ranges of the cluster; none: everyone. */
  readonly allow: readonly string[];
  /** Why the client that was named gets nowhere; null: it is let in. */
  readonly refused: string | null;
  readonly allDown: "try" | "refuse";
  readonly pool: Omit<PoolStatus, "endpoints">;
  /** What is shown for the cluster; earlier releases do not say. */
  readonly warnings?: readonly string[];
  /** Those that new clients go to first, then the others. */
  readonly candidates: readonly Candidate[];
}

export interface Candidate extends EndpointStatus {
  /** New clients go here. */
  readonly used: boolean;
  /** Of its full share, in percent; less in slow start. */
  readonly weight: number;
}

/** @throws EdgeError USAGE when the text is no name and no URL */
export function explainLive(facts: Facts, text: string, nowMs: number, how: Circumstances = {}): Explanation {
  const asked = readAskedName(text, how);
  const { name } = asked;
  const services = servicesAsked(asked, facts.config);
  const matches = services.flatMap((service) => matchOf(facts, service, asked, nowMs) ?? []);
  const near = matches.length > 0 ? undefined : services.map(({ index }) => nearestName(facts.routes(), index, name));
  return {
    name,
    kinds: services.map((service) => service.name),
    matches,
    nearest: near?.find((each) => each !== null) ?? null,
  };
}

function matchOf(facts: Facts, service: Service, asked: AskedName, nowMs: number): Match | null {
  const match = routeAsked(facts.routes(), service, asked);
  const plan = match === null ? undefined : facts.snapshot.clusters[match.cluster];
  return match === null || plan === undefined ? null : describe(facts, service, asked, match, plan, nowMs);
}

function describe(
  facts: Facts,
  service: Service,
  asked: AskedName,
  match: RouteMatch,
  plan: ClusterPlan,
  nowMs: number,
): Match | null {
  const pool = poolStatusOf(plan, service, facts, nowMs);
  if (pool === null) return null;
  const { endpoints, ...rest } = pool;
  return {
    kind: service.name,
    routedBy: service.routedBy,
    rule: ruleText(match, asked),
    cluster: plan.name,
    from: facts.config.clusters.find(({ name }) => name === plan.name)?.where ?? "",
    allow: plan.allow.map(cidrText),
    refused: refusalOf(asked, facts.snapshot.allow, plan.allow),
    allDown: plan.allDown,
    pool: rest,
    warnings: facts.health?.clusters().find(({ name }) => name === plan.name)?.warnings ?? [],
    candidates: candidatesOf(plan, service, endpoints, facts),
  };
}

function candidatesOf(
  plan: ClusterPlan,
  service: Service,
  endpoints: readonly EndpointStatus[],
  { board }: Facts,
): readonly Candidate[] {
  const ranks = endpoints.map(({ state }) => rankOfHealth(HEALTH[state], plan.allDown));
  const best = Math.max(1, ...ranks);
  const cells = plan.pools[service.index]?.endpoints ?? [];
  const all = endpoints.map((endpoint, at) => {
    const weight = board.weight[cells[at]?.cell ?? -1] || FULL_WEIGHT;
    return { ...endpoint, used: ranks[at] === best, weight: Math.round((weight / FULL_WEIGHT) * 100) };
  });
  return [...all.filter(({ used }) => used), ...all.filter(({ used }) => !used)];
}
