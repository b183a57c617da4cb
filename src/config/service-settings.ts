/** What a configuration says of one service. */
import type { Policy, Service } from "../seam/services.ts";
import type { ListenAddress } from "./addresses.ts";
import type { ClusterConfig, Config } from "./model.ts";

/** Where it is listened to; nowhere: an empty list. */
export function listenOf({ listen }: Pick<Config, "listen">, { name }: Service): readonly ListenAddress[] {
  return settingOf(listen, name) ?? [];
}

/** Its port on the cluster's nodes. */
export function portOf({ ports }: ClusterConfig, { name, port }: Service): number {
  return settingOf(ports, name) ?? port;
}

/** How a node of the cluster is picked for it. */
export function policyOf({ balance }: ClusterConfig, { name, policy }: Service): Policy {
  return settingOf(balance, name) ?? policy;
}

/** The options of the built-in services have keys of their own; a service that has none takes what its row says. */
function settingOf<T>(settings: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(settings, name) ? settings[name] : undefined;
}
