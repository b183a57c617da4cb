/** All that health tracks, kept in agreement with configuration and snapshot. */
import { listFor } from "../../config/clusters/service-settings.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import type { Service } from "../../seam/services.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { Clock } from "./system-clock.ts";
import { endpointKey, ProbedNode, TrackedCluster, TrackedEndpoint } from "./tracked.ts";

export interface ModelChange {
  readonly addedEndpoints: readonly TrackedEndpoint[];
  readonly removedNodes: readonly ProbedNode[];
}

export class HealthModel {
  private readonly clock: Clock;
  private clusterByName = new Map<string, TrackedCluster>();
  private nodeByKey = new Map<string, ProbedNode>();
  private endpointByKey = new Map<string, TrackedEndpoint>();
  private endpointByCell = new Map<number, TrackedEndpoint>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get clusters(): readonly TrackedCluster[] {
    return [...this.clusterByName.values()];
  }

  get nodes(): readonly ProbedNode[] {
    return [...this.nodeByKey.values()];
  }

  get endpoints(): readonly TrackedEndpoint[] {
    return [...this.endpointByKey.values()];
  }

  get nodeCount(): number {
    return this.nodeByKey.size;
  }

  atCell(cell: number): TrackedEndpoint | null {
    return this.endpointByCell.get(cell) ?? null;
  }

  nodeOf(endpoint: TrackedEndpoint): ProbedNode | null {
    return endpoint.cluster.nodes.find(({ endpoints }) => endpoints.includes(endpoint)) ?? null;
  }

  /**
   * Agree with a new configuration; what stays keeps its verdicts.
   * @param sinceStart This is the first one.
   */
  update(config: Config, snapshot: Snapshot, sinceStart: boolean): ModelChange {
    const before = { clusters: this.clusterByName, nodes: this.nodeByKey, endpoints: this.endpointByKey };
    const configs = new Map(config.clusters.map((cluster) => [cluster.name, cluster]));
    this.clusterByName = new Map();
    for (const plan of snapshot.clusters) {
      const settings = configs.get(plan.name);
      if (settings === undefined) continue;
      const cluster = before.clusters.get(plan.name) ?? new TrackedCluster(plan, settings);
      cluster.plan = plan;
      cluster.config = settings;
      cluster.endpoints = endpointsOf(cluster, snapshot.services, before.endpoints, sinceStart, this.clock);
      cluster.nodes = nodesOf(cluster, before.nodes);
      this.clusterByName.set(plan.name, cluster);
    }
    const endpoints = this.clusters.flatMap((cluster) => cluster.endpoints);
    this.endpointByKey = new Map(endpoints.map((endpoint) => [endpoint.key, endpoint]));
    this.endpointByCell = new Map(endpoints.map((endpoint) => [endpoint.cell, endpoint]));
    this.nodeByKey = new Map(this.clusters.flatMap(({ nodes }) => nodes).map((node) => [node.key, node]));
    return {
      addedEndpoints: endpoints.filter(({ key }) => !before.endpoints.has(key)),
      removedNodes: [...before.nodes.values()].filter(({ key }) => !this.nodeByKey.has(key)),
    };
  }
}

function endpointsOf(
  cluster: TrackedCluster,
  services: readonly Service[],
  known: ReadonlyMap<string, TrackedEndpoint>,
  sinceStart: boolean,
  clock: Clock,
): TrackedEndpoint[] {
  return services.flatMap((service) => {
    const pool = cluster.plan.pools[service.index];
    return (pool?.endpoints ?? []).map((plan) => {
      const old = known.get(endpointKey(cluster.name, service.name, plan));
      const endpoint = old ?? new TrackedEndpoint(cluster, service, plan, sinceStart, clock);
      endpoint.node = plan.node;
      endpoint.policy = pool?.policy ?? "leastconn";
      if (isGiven(cluster.config, service)) endpoint.role = "given";
      else if (endpoint.role === "given") endpoint.role = "candidate";
      return endpoint;
    });
  });
}

/** The operator said who serves this, or wants no checks: nothing is left to find out. */
function isGiven(config: ClusterConfig, service: Service): boolean {
  if (config.check === "off") return true;
  return listFor(config, service) !== null;
}

function nodesOf(cluster: TrackedCluster, known: ReadonlyMap<string, ProbedNode>): ProbedNode[] {
  const endpoints = new Map<string, TrackedEndpoint[]>();
  for (const endpoint of cluster.endpoints) {
    const key = [cluster.name, endpoint.service.group.name, endpoint.at.ip, cluster.config.ports.ready].join(" ");
    endpoints.set(key, [...(endpoints.get(key) ?? []), endpoint]);
  }
  return [...endpoints].flatMap(([key, own]) => {
    const [first] = own;
    if (first === undefined) return [];
    const node = known.get(key) ?? new ProbedNode(key, cluster, first.service.group, first.at.ip);
    node.endpoints = own;
    return [node];
  });
}
