/** Which cluster asks for its machine config at which address: nodes that boot name the address, not always the cluster. */
import { inAny } from "../../core/access.ts";
import type { Bridge, Cidr } from "../../seam/snapshot.ts";
import type { Service } from "../../seam/services.ts";
import type { Config } from "../model.ts";
import { listenOf, nodesFor } from "./service-settings.ts";

/**
 * For each listener of such a service, the one cluster with a node in the listener's own network. None where several have: names decide there.
 * @param networks of this machine's interfaces
 */
export function bridgesOf(config: Config, networks: readonly Cidr[]): readonly Bridge[] {
  return config.services
    .filter(({ nameless }) => nameless === "bridge")
    .flatMap((service) => listenOf(config, service).flatMap(({ ip }) => bridgeOf(config, service, ip, networks)));
}

function bridgeOf(config: Config, service: Service, ip: string, networks: readonly Cidr[]): readonly Bridge[] {
  const network = narrowest(networks.filter((each) => inAny([each], ip)));
  if (network === undefined) return [];
  const there = config.clusters.flatMap((cluster, index) =>
    nodesFor(cluster, service).some(({ host, isName }) => !isName && inAny([network], host)) ? [index] : [],
  );
  const [only] = there;
  return only !== undefined && there.length === 1 ? [{ ip, cluster: only }] : [];
}

function narrowest(networks: readonly Cidr[]): Cidr | undefined {
  return networks.toSorted((a, b) => b.bits - a.bits)[0];
}
