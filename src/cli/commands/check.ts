/** `edge-lb check`: what the flags and the file make together, or every mistake in them. */
import type { NodeSpec } from "../../config/values/addresses.ts";
import type { Config } from "../../config/model.ts";
import { configWarnings } from "../../config/warnings.ts";
import { sharedNodes } from "../../config/clusters/client-networks.ts";
import { listFor, nodesFor } from "../../config/clusters/service-settings.ts";
import type { Service } from "../../seam/services.ts";
import { checkLive } from "../live/check-live.ts";
import { ALL_SETTINGS, command } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { configToServe, requireStartable } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { table } from "../terminal/table.ts";

export const CHECK = command({
  name: "check",
  help: "Find every mistake in flags and file, start nothing",
  settings: ALL_SETTINGS,
  options: { live: toggle("Look at DNS, ports, rights and nodes too") },
  synonyms: ["validate", "test", "lint"],
  run(call) {
    const config = configToServe(call);
    requireStartable(config, call.io);
    call.io.out(checkedText(config));
    return call.options.live ? checkLive(config, call.settings, call.io) : EXIT.done;
  },
});

function checkedText(config: Config): string {
  const { clusters } = config;
  const pools = poolColumns(config);
  const rows = clusters.map((cluster) => [
    cluster.name,
    cluster.domain ?? "(learnt when running)",
    ...pools.map(({ service }) => count(nodesFor(cluster, service))),
    cluster.where,
  ]);
  const total = `no mistake found: ${clusters.length} ${clusters.length === 1 ? "cluster" : "clusters"}\n`;
  const warned = [...configWarnings(config), ...sharedNodes(clusters).map(({ text }) => text)];
  const warnings = warned.map((text) => `warning: ${text}\n`);
  const head = ["cluster", "domain", ...pools.map(({ title }) => title), "from"];
  return table([head, ...rows]) + total + warnings.join("");
}

interface PoolColumn {
  readonly title: string;
  readonly service: Service;
}

/** API and ingress, and every service that some cluster has other nodes for, or that `listen` adds. */
function poolColumns({ services, clusters }: Config): readonly PoolColumn[] {
  const groups = [...new Set(services.map(({ group }) => group))];
  return groups.flatMap((group) => {
    const own = services.filter((service) => service.group === group);
    const [first] = own;
    if (first === undefined || (group.name === MCS && clusters.every(({ ownNodes }) => ownNodes.mcs === null)))
      return [];
    const agree = clusters.every((cluster) =>
      own.every((service) => listFor(cluster, service) === listFor(cluster, first)),
    );
    return agree ? [{ title: group.name, service: first }] : own.map((service) => ({ title: service.name, service }));
  });
}

/** Its nodes are those of the API unless a cluster says otherwise. */
const MCS = "mcs";

function count(nodes: readonly NodeSpec[]): string {
  return nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
}
