/** Services that `listen` adds to the built-in ones. */
import {
  furtherService,
  isBuiltIn,
  SERVICES,
  SERVICES_MOST,
  type Service,
  type ServiceName,
} from "../../seam/services.ts";
import type { FlagText } from "../layers/layers.ts";
import type { Config } from "../model.ts";
import { LISTEN } from "../options/service-options.ts";
import { wrongServiceName } from "../layers/service-names.ts";
import { listenOf } from "./service-settings.ts";
import { quote, type Problems } from "../values/text.ts";
import type { Tree } from "../layers/yaml.ts";

/** Names of further services in the order of their first mention; a name that cannot be one is left for the layer's reader to refuse. */
export function furtherNames(flags: readonly FlagText[], tree: Tree | null): readonly ServiceName[] {
  const { flag } = LISTEN.api;
  const typed = flags.filter((each) => each.flag === flag).map(({ text }) => text.split("=")[0] ?? "");
  const listen = tree?.kind === "map" ? tree.entries.find(({ key }) => key === flag)?.value : undefined;
  const written = listen?.kind === "map" ? listen.entries.map(({ key }) => key) : [];
  const names = new Set([...typed, ...written]);
  return [...names].filter((name) => !isBuiltIn(name) && wrongServiceName(name) === null);
}

/** A row for each service that is listened to; its port on the nodes is the listener's unless a cluster says otherwise. */
export function servicesOf(
  names: readonly ServiceName[],
  config: Pick<Config, "listen">,
  where: string,
  problems: Problems,
): readonly Service[] {
  const rows = names.flatMap((name) => {
    const [first] = listenOf(config, { name });
    return first === undefined ? [] : [{ name, port: first.port }];
  });
  const services = [...SERVICES, ...rows.map(({ name, port }, at) => furtherService(name, SERVICES.length + at, port))];
  if (services.length <= SERVICES_MOST) return services;
  const [beyond] = services.slice(SERVICES_MOST);
  const found = `${services.length} services listed`;
  problems.add(where, `Cannot use service ${quote(beyond?.name ?? "")}: ${found}, at most ${SERVICES_MOST} wanted`);
  return services.slice(0, SERVICES_MOST);
}

/** A service whose port the kernel chooses has none on the nodes that could be guessed. */
export function checkPorts({ services, clusters }: Config, problems: Problems): void {
  for (const { name, port } of services) {
    if (port !== 0) continue;
    for (const cluster of clusters) {
      const ports: Readonly<Record<string, number>> = cluster.ports;
      if (ports[name] !== 0) continue;
      const found = `${name} listens on port 0, so it has no default`;
      problems.add(cluster.where, `Cannot use cluster ${quote(cluster.name)}: ${found}`, `add ${name}-port=`);
    }
  }
}
