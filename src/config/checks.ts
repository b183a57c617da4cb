/** Mistakes that only show when everything is read: settings and clusters that do not go together. */
import { isLoopback, listenText } from "./values/addresses.ts";
import { checkClaims, nameSetsOf } from "./clusters/claims.ts";
import { checkClients } from "./clusters/client-networks.ts";
import { checkPorts } from "./clusters/further-services.ts";
import type { ClusterEntry } from "./layers/layers.ts";
import type { ClusterConfig, Config } from "./model.ts";
import { GLOBAL, type Settings } from "./options/options.ts";
import { checkListeners } from "./own-sockets.ts";
import type { Option } from "./options/option.ts";
import { checkOwnNodes, type OwnPlace } from "./clusters/own-listeners.ts";
import { settingOf } from "./clusters/service-settings.ts";
import { didYouMean, quote, type Problems } from "./values/text.ts";

export const AUTH_VARIABLE = "EDGE_LB_ADMIN_AUTH";

/** What the configuration was made from. */
export interface Written {
  readonly options: Settings;
  readonly entries: readonly ClusterEntry[];
  /** Where an option was given. */
  readonly where: (option: Option<unknown>) => string;
  /** Where edge-lb listens; null: it is not known, so nothing is said of nodes there. */
  readonly place: OwnPlace | null;
}

export function checkConfig(config: Config, { options, entries, where, place }: Written, problems: Problems): void {
  checkDefaults(config, options, entries, where, problems);
  checkListeners(config, options, where, problems);
  checkPorts(config, problems);
  checkSources(config, problems);
  checkAdmin(config, where(GLOBAL.admin), problems);
  checkClaims(config.clusters, nameSetsOf(config.services), problems);
  checkClients(config.clusters, problems);
  if (place !== null) checkOwnNodes(config, entries, place, problems);
}

function checkDefaults(
  config: Config,
  options: Settings,
  entries: readonly ClusterEntry[],
  placeOf: (option: Option<unknown>) => string,
  problems: Problems,
): void {
  const names = entries.map(({ name }) => name);
  const check = (cluster: string | null, option: Option<unknown>): void => {
    // one that is still to be discovered
    if (cluster === null || names.includes(cluster) || config.discover.length > 0) return;
    const wanted = names.length === 0 ? "there is no cluster" : "the name of a cluster wanted";
    problems.add(placeOf(option), `Cannot use default ${quote(cluster)}: ${wanted}`, didYouMean(cluster, names));
  };
  check(config.defaultCluster, options.defaultCluster);
  for (const [name, option] of Object.entries(options.defaults))
    check(settingOf(config.defaults, name) ?? null, option);
}

/** Dialling from a client's address takes an engine that can; which one `auto` is, the start finds out. */
function checkSources({ clusters, engine }: Config, problems: Problems): void {
  const first = clusters.find(({ source }) => source === "client");
  if (first === undefined || engine === "auto" || engine === "linux") return;
  const { message, hint } = cannotDialFromClient(first, engine);
  problems.add(first.where, message, hint);
}

/** Why this engine cannot serve a cluster with `source=client`. */
export function cannotDialFromClient(
  { name }: Pick<ClusterConfig, "name">,
  engine: string,
): { message: string; hint: string } {
  const found = `engine ${engine} cannot dial from a client's address, linux can`;
  return { message: `Cannot use source=client of cluster ${quote(name)}: ${found}`, hint: "use --engine linux" };
}

/** The status page shows addresses and names: without a password it stays on this machine. */
export function checkAdmin(
  { admin, adminAuth }: Pick<Config, "admin" | "adminAuth">,
  where: string,
  problems: Problems,
): void {
  if (admin === null || adminAuth !== null || isLoopback(admin.ip)) return;
  const found = `${listenText(admin)} can be reached from outside, a password wanted`;
  problems.add(where, `Cannot use admin: ${found}`, `add --admin-auth USER:PASSWORD or set ${AUTH_VARIABLE}`);
}
