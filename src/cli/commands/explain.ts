/** `edge-lb explain NAME|URL`: the rule, the cluster, the pool and its candidates, as configured. */
import { cidrText } from "../../config/values/addresses.ts";
import { requireClusters } from "../../config/load.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import { nodesFor, policyOf, portOf } from "../../config/clusters/service-settings.ts";
import { buildSnapshot } from "../../config/build-snapshot.ts";
import { formatEndpoint } from "../../core/address.ts";
import {
  readAskedName,
  refusalOf,
  routeAsked,
  noNodesText,
  ruleText,
  servicesAsked,
  type AskedName,
  type Circumstances,
} from "../../control/api/asked-name.ts";
import { buildRoutes, type Routes } from "../../core/route/lookup.ts";
import { nearestName } from "../../core/route/nearest.ts";
import { BASE, COMMAND_LINE, GLOBAL } from "../../config/options/options.ts";
import { LISTEN } from "../../config/options/service-options.ts";
import type { Service } from "../../seam/services.ts";
import type { Cidr } from "../../seam/snapshot.ts";
import { findClient } from "../live/client.ts";
import { ALL_SETTINGS, argument, command, type Call } from "../line/command.ts";
import { configOf } from "../line/configuration.ts";
import { anyText, single } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { explainRunning } from "../live/explain-live.ts";
import type { Io } from "../terminal/io.ts";

export const EXPLAIN = command({
  name: "explain",
  help: "Say where a name or URL goes, and why",
  args: [argument("NAME|URL", "name")],
  settings: ALL_SETTINGS,
  options: {
    listener: single("NAME", "Ask this one alone", anyText),
    from: single("ADDRESS", "The client that asks: where the name says nothing, its own cluster answers", anyText),
  },
  shown: {
    title: "Which edge-lb is asked: the one that runs, or with --config or --cluster what they would make",
    settings: [
      GLOBAL.control,
      COMMAND_LINE.file,
      COMMAND_LINE.clusters,
      BASE.domain,
      GLOBAL.defaultCluster,
      ...Object.values(LISTEN),
    ],
    notes: ["It takes every other option too, as a configuration may need them: edge-lb --help lists them"],
  },
  async run(call) {
    const [text = ""] = call.args;
    const { listener, from } = call.options;
    const client = asksRunning(call) ? await findClient(call.settings, call.io) : null;
    if (client === null) return explain(configOf(call), text, { listener, from }, call.io);
    return explainRunning(client, text, { listener, from }, call.io).finally(() => client.close());
  },
});

/** What is said of a configuration on the command line is asked of that one, and not of the one that runs. */
function asksRunning({ settings }: Pick<Call, "settings">): boolean {
  const given = new Set(settings.map(({ flag }) => flag));
  if (given.has(GLOBAL.control.flag)) return true;
  return !given.has(COMMAND_LINE.clusters.flag) && !given.has(COMMAND_LINE.file.flag);
}

/** @throws EdgeError when the text is no name and no URL */
function explain(config: Config, text: string, how: Circumstances, io: Io): number {
  requireClusters(config);
  const asked = readAskedName(text, how);
  const services = servicesAsked(asked, config);
  if (services.length === 0) {
    io.out(`${asked.name}: nothing listens on port ${asked.port}\n`);
    return EXIT.failed;
  }
  const routes = buildRoutes(buildSnapshot(config, STATIC));
  const found = services.flatMap((service) => explainOn(service, config, routes, asked) ?? []);
  if (found.length === 0) io.out(`${asked.name}: ${unknownWords(routes, services, asked.name)}\n`);
  else io.out(`${found.map(({ text }) => text).join("\n\n")}\n`);
  return found.some(({ served }) => served) ? EXIT.done : EXIT.failed;
}

/** Routes need no counters, and no addresses of nodes given by name. */
const STATIC = { version: 1, cellOf: () => 0, addressesOf: () => [], maxConnections: 1 };

interface Explained {
  readonly text: string;
  /** The cluster has nodes for this service. */
  readonly served: boolean;
}

function explainOn(service: Service, config: Config, routes: Routes, asked: AskedName): Explained | null {
  const match = routeAsked(routes, service, asked);
  const cluster = match === null ? undefined : config.clusters[match.cluster];
  if (match === null || cluster === undefined) return null;
  const text = describeMatch(asked, service, ruleText(match, asked), cluster, config.allow);
  return { text, served: nodesFor(cluster, service).length > 0 };
}

function describeMatch(
  asked: AskedName,
  service: Service,
  rule: string,
  cluster: ClusterConfig,
  allowed: readonly Cidr[],
): string {
  const candidates = nodesFor(cluster, service).map(({ host, isName }) => {
    return `             ${formatEndpoint(host, portOf(cluster, service))}${isName ? " (resolved when running)" : ""}`;
  });
  const refused = refusalOf(asked, allowed, cluster.allow);
  const allow = cluster.allow.length === 0 ? [] : [`  allow      ${cluster.allow.map(cidrText).join(", ")}`];
  return [
    `${asked.name} on ${service.name}`,
    `  rule       ${rule}`,
    `  cluster    ${cluster.name} (${cluster.where})`,
    ...allow,
    ...(refused === null ? [] : [`  refused    ${refused}`]),
    `  pool       ${service.name}, ${policyOf(cluster, service)}, ${candidates.length} candidates`,
    ...(candidates.length === 0 ? [`             ${noNodesText(cluster.name, service)}`] : candidates),
  ].join("\n");
}

function unknownWords(routes: Routes, services: readonly Service[], name: string): string {
  const where = services.map((service) => service.name).join(", ");
  const near = services.map(({ index }) => nearestName(routes, index, name)).find((each) => each !== null);
  return `no cluster has this name on ${where}; ${near === undefined ? "nothing known is near" : `nearest is ${near}`}`;
}
