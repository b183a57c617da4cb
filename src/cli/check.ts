/** `edge-lb check`: what the flags and the file make together, or every mistake in them. */
import type { NodeSpec } from "../config/addresses.ts";
import type { Config } from "../config/model.ts";
import { requireClusters } from "../config/load.ts";
import { configWarnings } from "../config/warnings.ts";
import { checkLive } from "./check-live.ts";
import { ALL_SETTINGS, command } from "./command.ts";
import { toggle } from "./command-option.ts";
import { configToServe } from "./configuration.ts";
import { EXIT } from "./exit-code.ts";
import { table } from "./table.ts";

export const CHECK = command({
  name: "check",
  help: "Find every mistake in flags and file, start nothing",
  settings: ALL_SETTINGS,
  options: { live: toggle("Look at DNS, ports, rights and nodes too") },
  synonyms: ["validate", "test", "lint"],
  run(call) {
    const config = configToServe(call);
    call.io.out(checkedText(config));
    return call.options.live ? checkLive(config, call.settings, call.io) : EXIT.done;
  },
});

/** @throws EdgeErrors when there is no cluster */
function checkedText(config: Config): string {
  const clusters = requireClusters(config);
  const rows = clusters.map((cluster) => [
    cluster.name,
    cluster.domain ?? "(learnt when running)",
    count(cluster.api ?? cluster.nodes),
    count(cluster.ingress ?? cluster.nodes),
    cluster.where,
  ]);
  const total = `no mistake found: ${clusters.length} ${clusters.length === 1 ? "cluster" : "clusters"}\n`;
  const warnings = configWarnings(config).map((text) => `warning: ${text}\n`);
  return table([["cluster", "domain", "api", "ingress", "from"], ...rows]) + total + warnings.join("");
}

function count(nodes: readonly NodeSpec[]): string {
  return nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
}
