/** Defaults, file and flags to one configuration. Every mistake is found before anything is thrown. */
import { isLoopback, listenText, sameSocket, type ListenAddress } from "./addresses.ts";
import { checkClaims, nameSetsOf } from "./claims.ts";
import { resolveCluster } from "./clusters.ts";
import { checkOwnNodes, listenersOf, OwnListeners } from "./own-listeners.ts";
import { readFlags, readTree, type ClusterEntry, type FlagText, type LayerTexts } from "./layers.ts";
import type { ClusterConfig, Config } from "./model.ts";
import { mapGroup } from "./option-group.ts";
import { BASE, COMMAND_LINE, GLOBAL, LISTEN, SETTINGS } from "./options.ts";
import { resolveOption, type Machine, type Option } from "./option.ts";
import { didYouMean, Problems, quote, typed } from "./text.ts";
import { codeOf, EdgeError, EdgeErrors } from "../errors.ts";
import { parseYaml } from "./yaml.ts";
import { SERVICES } from "../seam/services.ts";
import { listenOf } from "./service-settings.ts";

export interface LoadInput {
  readonly flags: readonly FlagText[];
  /** The text of a file. @throws Error with `code` as node:fs has it */
  readonly readFile: (path: string) => string;
  readonly machine: Machine;
  /** What was added and removed while running: the highest layer. */
  readonly runtime?: RuntimeLayer;
  readonly taking?: FileTaking | undefined;
  /** Where edge-lb listens already; without it, where the configuration says, if it is for this machine. */
  readonly own?: OwnListeners | undefined;
}

/** How the file is taken, beside as it is. */
export interface FileTaking {
  /** This is what it said; it is not read. */
  readonly kept?: LayerTexts;
  /** It said this before; that it names no cluster any more, or says nothing any more, is a mistake. */
  readonly before?: LayerTexts;
}

export interface RuntimeLayer {
  /** `NAME=SPEC`, as for `--cluster`. */
  readonly added: readonly string[];
  readonly removed: ReadonlySet<string>;
}

export const NO_RUNTIME_LAYER: RuntimeLayer = { added: [], removed: new Set() };

/**
 * The configuration that flags and file make together; without a cluster it is still one.
 * @throws EdgeErrors with everything that is wrong
 */
export function loadConfig(input: LoadInput): Config {
  const { flags, machine, runtime = NO_RUNTIME_LAYER } = input;
  const problems = new Problems();
  const added = runtime.added.map((text) => ({ flag: COMMAND_LINE.clusters.flag, text }));
  const fromRuntime = readFlags(added, problems, "runtime");
  const fromFlags = readFlags(flags, problems);
  const file = flags.findLast(({ flag }) => flag === COMMAND_LINE.file.flag)?.text ?? null;
  const fromFile = file === null ? NOTHING : takeFile(file, input, problems);
  const below = [fromFlags, fromFile];
  const kept = below.map((layer) => without(layer, runtime.removed));
  const removed = mergeClusters(below)
    .filter(({ name }) => runtime.removed.has(name))
    .map(({ name, layer, where }) => ({ name, layer, where }));
  const layers = [fromRuntime, ...kept];
  const config = resolveLayers(layers, { file, fromFile, removed }, machine, problems);
  const own = input.own ?? ownListeners(config, machine);
  if (own !== null) checkOwnNodes(config, mergeClusters(layers), own, problems);
  problems.throwIfAny();
  return config;
}

function takeFile(file: string, { readFile, taking = {} }: LoadInput, problems: Problems): LayerTexts {
  if (taking.kept !== undefined) return taking.kept;
  const count = problems.count;
  const taken = readFileLayer(file, readFile, problems);
  if (taking.before === undefined || problems.count > count) return taken;
  const found = lossOf(taking.before, taken);
  if (found === null) return taken;
  // at once: what follows from it is not worth telling
  throw new EdgeError("CONFIG_INVALID", `Cannot use the file: ${found}`, {
    where: `${file}:1:1`,
    hint: "edge-lb reload --allow-empty takes it as it is",
  });
}

/** A file that an editor or a full disk emptied must not take everything away. @returns null: it did not */
function lossOf(before: LayerTexts, after: LayerTexts): string | null {
  const count = before.clusters.length;
  if (after.clusters.length > 0) return null;
  if (count > 0) return `0 clusters found, ${count} before`;
  return before.settings.size > 0 && after.settings.size === 0 ? "nothing found, settings before" : null;
}

function ownListeners(config: Config, { addresses }: Machine): OwnListeners | null {
  return addresses === null ? null : new OwnListeners(listenersOf(config), addresses);
}

function without({ settings, clusters }: LayerTexts, removed: ReadonlySet<string>): LayerTexts {
  return { settings, clusters: clusters.filter(({ name }) => !removed.has(name)) };
}

const NOTHING: LayerTexts = { settings: new Map(), clusters: [] };

function readFileLayer(file: string, readFile: LoadInput["readFile"], problems: Problems): LayerTexts {
  const text = readText(file, readFile, problems);
  if (text === null) return NOTHING;
  try {
    return readTree(parseYaml(text, file), problems);
  } catch (error) {
    if (!(error instanceof EdgeErrors)) throw error;
    for (const { where, message, hint, code } of error.errors) problems.add(where ?? file, message, hint, code);
    return NOTHING;
  }
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
};

function readText(file: string, readFile: LoadInput["readFile"], problems: Problems): string | null {
  try {
    return readFile(file);
  } catch (error) {
    const code = codeOf(error) ?? "";
    const why = FILE_FAULTS[code] ?? (code === "" ? "it cannot be read" : code);
    problems.add(typed(`--config ${file}`), `Cannot read ${quote(file)}: ${why}`, undefined, "CONFIG_UNREADABLE");
    return null;
  }
}

/** @param layers Highest first. */
function resolveLayers(
  layers: readonly LayerTexts[],
  source: Pick<Config, "file" | "fromFile" | "removed">,
  machine: Machine,
  problems: Problems,
): Config {
  const read = <T>(option: Option<T>): T => {
    const layer = layers.find(({ settings }) => settings.has(option));
    return resolveOption(option, layer?.settings.get(option) ?? [], machine, problems);
  };
  const base = mapGroup(BASE, read);
  const settings = mapGroup(SETTINGS, read);
  const entries = mergeClusters(layers);
  const clusters = entries.flatMap((entry) => resolveCluster(entry, base, machine, problems) ?? []);
  const { admin, adminAuth } = settings;
  const config: Config = {
    ...settings,
    ...source,
    clusters,
    services: SERVICES,
    adminAuth: adminAuth ?? (admin === null ? null : authFromEnv(machine, problems)),
    adminGiven: layers.some((layer) => layer.settings.has(GLOBAL.admin)),
    controlGiven: layers.some((layer) => layer.settings.has(GLOBAL.control)),
  };
  checkDefault(config, entries, placeOf(GLOBAL.defaultCluster, layers), problems);
  checkListeners(config, (option) => placeOf(option, layers), problems);
  checkAdmin(config, placeOf(GLOBAL.admin, layers), problems);
  checkClaims(clusters, nameSetsOf(config.services), problems);
  return config;
}

function placeOf(option: Option<unknown>, layers: readonly LayerTexts[]): string {
  const texts = layers.find(({ settings }) => settings.has(option))?.settings.get(option);
  return texts?.at(-1)?.where ?? `--${option.flag}`;
}

/** A cluster of a higher layer replaces the whole entry, in its place. */
function mergeClusters(layers: readonly LayerTexts[]): readonly ClusterEntry[] {
  const merged = new Map<string, ClusterEntry>();
  for (const { clusters } of layers.toReversed()) for (const entry of clusters) merged.set(entry.name, entry);
  return [...merged.values()];
}

const AUTH_VARIABLE = "EDGE_LB_ADMIN_AUTH";

/** Without an admin listener the variable asks for nothing: it may be set for all services of a machine. */
function authFromEnv(machine: Machine, problems: Problems): Config["adminAuth"] {
  const text = machine.env[AUTH_VARIABLE];
  if (text === undefined || text === "") return null;
  return resolveOption(GLOBAL.adminAuth, [{ text, where: AUTH_VARIABLE }], machine, problems);
}

function checkDefault(config: Config, entries: readonly ClusterEntry[], where: string, problems: Problems): void {
  const { defaultCluster } = config;
  const names = entries.map(({ name }) => name);
  if (defaultCluster === null || names.includes(defaultCluster)) return;
  const wanted = names.length === 0 ? "there is no cluster" : "the name of a cluster wanted";
  problems.add(where, `Cannot use default ${quote(defaultCluster)}: ${wanted}`, didYouMean(defaultCluster, names));
}

interface Bound {
  readonly label: string;
  readonly at: ListenAddress;
  readonly where: string;
}

/** Two listeners cannot share a port; and someone must be listened to. */
function checkListeners(config: Config, placeOf: (option: Option<unknown>) => string, problems: Problems): void {
  const all: Bound[] = SERVICES.flatMap((service) =>
    listenOf(config, service).map((at) => ({ label: service.name, at, where: placeOf(LISTEN[service.name]) })),
  );
  if (all.length === 0) problems.add("--listen", "Cannot start: every listener is off, at least 1 wanted");
  // the usual address gives way: edge-lb runs without a status page then, and says so
  if (config.admin !== null && config.adminGiven)
    all.push({ label: "admin", at: config.admin, where: placeOf(GLOBAL.admin) });
  for (const [index, { label, at, where }] of all.entries()) {
    const other = all.slice(0, index).find((earlier) => sameSocket(earlier.at, at));
    if (other === undefined) continue;
    const found = `${other.label} has ${listenText(other.at)} already`;
    problems.add(where, `Cannot use ${listenText(at)} for ${label}: ${found}`);
  }
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

/** For callers that need one cluster at least. @throws EdgeErrors */
export function requireClusters(config: Config): readonly ClusterConfig[] {
  if (config.clusters.length > 0) return config.clusters;
  const where = config.file === null ? undefined : `${config.file}:1:1`;
  const message = "Cannot start: 0 clusters, at least 1 wanted";
  throw new EdgeErrors([new EdgeError("CONFIG_INVALID", message, { where, hint: "add clusters: or --cluster" })]);
}
