/** Settings that the Gateway API has no word for, one sentence each. */
import { defaultOf, listenOf, policyOf } from "../../config/clusters/service-settings.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import type { Service } from "../../seam/services.ts";

/** @param served Services that are listened to. */
export function leftOutOfGateway(config: Config, served: readonly Service[]): readonly string[] {
  const { clusters, acceptProxy, maxConnections, maxConnectionsPerClient } = config;
  const having = (has: (cluster: ClusterConfig) => boolean): string =>
    clusters
      .filter(has)
      .map(({ name }) => name)
      .join(", ");
  const defaults = served.flatMap((service) => {
    const name = defaultOf(config, service);
    return name === null ? [] : [`${name} on ${service.name}`];
  });
  const addresses = served.flatMap((service) => listenOf(config, service).map(({ ip }) => ip));
  const said: readonly (readonly [setting: string, given: string | boolean, why: string])[] = [
    ["default", defaults.join(", "), "a Gateway refuses who says no name"],
    ["accept-proxy", acceptProxy.length > 0, "whether a Gateway reads a PROXY header is its implementation's to say"],
    ["clients", having(({ clients }) => clients.length > 0), "a Gateway does not route by the client's address"],
    ["source", having(({ source }) => source === "client"), "a Gateway dials nodes from its own address"],
    ["max-connections", maxConnections > 0, "Gateway API limits no connections"],
    ["max-connections-per-client", maxConnectionsPerClient > 0, "Gateway API limits no connections"],
    ["max-connections", having((cluster) => cluster.maxConnections > 0), "Gateway API limits no connections"],
    ["balance", having((cluster) => served.some((service) => policyOf(cluster, service) !== service.policy)), CHOICE],
    ["listen", addresses.some((ip) => ip !== ""), "a Gateway gets its addresses from its implementation"],
  ];
  return said.flatMap(([setting, given, why]) => {
    if (given === false || given === "") return [];
    const whose = given === true ? setting : `${setting} (${given})`;
    return [`${whose} is left out: ${why}`];
  });
}

const CHOICE = "how a Gateway chooses nodes is its implementation's to say";
