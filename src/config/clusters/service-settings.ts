/** What a configuration says of one service. */
import type { Policy, Service } from "../../seam/services.ts";
import type { ListenAddress, NodeSpec } from "../values/addresses.ts";
import type { ClusterConfig, Config } from "../model.ts";
import { ANY_NAME } from "../values/names.ts";

/** Where it is listened to; nowhere: an empty list. */
export function listenOf(
  { listen }: Pick<Config, "listen">,
  { name }: Pick<Service, "name">,
): readonly ListenAddress[] {
  return settingOf(listen, name) ?? [];
}

/** The name of the cluster that takes its connections without a name, or null. */
export function defaultOf(
  { defaults, defaultCluster }: Pick<Config, "defaults" | "defaultCluster">,
  { name, nameless }: Service,
): string | null {
  return settingOf(defaults, name) ?? (nameless === "default" ? defaultCluster : null);
}

/** A pool with a list of its own takes those nodes and no others. */
export function nodesFor(cluster: ClusterConfig, service: Service): readonly NodeSpec[] {
  return listFor(cluster, service) ?? cluster.nodes;
}

/** The list that was given for the service or its role; null: it takes what it finds among `nodes`. */
export function listFor(cluster: ClusterConfig, { name, role }: Service): readonly NodeSpec[] | null {
  return settingOf(cluster.ownNodes, name) ?? cluster[role];
}

/** Every node of the cluster, as often as lists have it. */
export function allNodes({ nodes, api, ingress, ownNodes }: ClusterConfig): readonly NodeSpec[] {
  return [nodes, api, ingress, ...Object.values(ownNodes)].flatMap((list) => list ?? []);
}

/** Names of the cluster for this service alone. */
export function ownNamesOf({ ownNames }: ClusterConfig, { name }: Service): readonly string[] {
  return settingOf(ownNames, name) ?? [];
}

/** Every name and pattern that the cluster was given beside its domain. */
export function namesOf({ names, apiNames, ownNames }: ClusterConfig): readonly string[] {
  return [names, apiNames, ...Object.values(ownNames)].flat().filter((name) => name !== ANY_NAME);
}

/** Its port on the cluster's nodes. */
export function portOf({ ports }: ClusterConfig, { name, port }: Service): number {
  return settingOf(ports, name) ?? port;
}

/** How a node of the cluster is picked for it. */
export function policyOf({ balance }: ClusterConfig, { name, policy }: Service): Policy {
  return settingOf(balance, name) ?? policy;
}

/** A service without a setting of its own takes what its row says. */
export function settingOf<T>(settings: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined;
}
