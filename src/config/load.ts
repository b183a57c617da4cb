/** Defaults, file and flags to one configuration. Every mistake is found before anything is thrown. */
import { AUTH_VARIABLE, checkConfig } from "./checks.ts";
import { withDiscovered } from "./clusters/discovered.ts";
import { clusterWith, keysOf, type ClusterKeys } from "./options/cluster-options.ts";
import { resolveCluster } from "./clusters/clusters.ts";
import { furtherNames, servicesOf } from "./clusters/further-services.ts";
import {
  clusterCount,
  readFlagClusters,
  readFlagSettings,
  readTreeClusters,
  readTreeSettings,
  type ClusterEntry,
  type FlagText,
} from "./layers/layers.ts";
import { listenersOf, OwnListeners, type OwnPlace } from "./clusters/own-listeners.ts";
import type { ClusterConfig, Config } from "./model.ts";
import { mapGroup, optionsOf } from "./options/option-group.ts";
import type { Texts } from "./layers/option-texts.ts";
import { withPassed } from "./passed-sockets.ts";
import { BASE, COMMAND_LINE, GLOBAL, settingsWith, type Settings } from "./options/options.ts";
import { LISTEN } from "./options/service-options.ts";
import { resolveOption, type Machine, type Option } from "./options/option.ts";
import { didYouMean, Problems, quote, typed } from "./values/text.ts";
import { fileFault } from "./file-fault.ts";
import { EdgeError, EdgeErrors } from "../errors.ts";
import { parseYaml, type Tree } from "./layers/yaml.ts";
import type { ServiceName } from "../seam/services.ts";
import { settingOf } from "./clusters/service-settings.ts";

export interface LoadInput {
  readonly flags: readonly FlagText[];
  /** The text of a file. @throws Error with `code` as node:fs has it */
  readonly readFile: (path: string) => string;
  readonly machine: Machine;
  /** What was added and removed while running: the highest layer. */
  readonly runtime?: RuntimeLayer;
  readonly taking?: FileTaking | undefined;
  /** Where edge-lb listens already; without it, where the configuration says, if it is for this machine. */
  readonly place?: OwnPlace | undefined;
}

/** How the file is taken, beside as it is. */
export interface FileTaking {
  /** This is what it said; it is not read. */
  readonly kept?: Tree | null;
  /** It said this before; that it names no cluster any more, or says nothing any more, is a mistake. */
  readonly before?: Tree | null;
}

export interface RuntimeLayer {
  /** `NAME=SPEC`, as for `--cluster`. */
  readonly added: readonly string[];
  readonly removed: ReadonlySet<string>;
  /** What discovery found, likewise; lowest of all. */
  readonly discovered?: readonly string[];
}

export const NO_RUNTIME_LAYER: RuntimeLayer = { added: [], removed: new Set() };

/**
 * The configuration that flags and file make together; without a cluster it is still one.
 * @throws EdgeErrors with everything that is wrong
 */
export function loadConfig(input: LoadInput): Config {
  const problems = new Problems();
  const { flags } = input;
  const file = flags.findLast(({ flag }) => flag === COMMAND_LINE.file.flag)?.text ?? null;
  const tree = file === null ? null : takeFile(file, input, problems);
  const config = resolve(input, file, tree, problems);
  problems.throwIfAny();
  return config;
}

function takeFile(file: string, { readFile, taking = {} }: LoadInput, problems: Problems): Tree | null {
  if (taking.kept !== undefined) return taking.kept;
  const count = problems.count;
  const taken = readTree(file, readFile, problems);
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
function lossOf(before: Tree | null, after: Tree | null): string | null {
  const count = clusterCount(before);
  if (clusterCount(after) > 0) return null;
  if (count > 0) return `0 clusters found, ${count} before`;
  return before?.kind === "map" && after?.kind !== "map" ? "nothing found, settings before" : null;
}

function placeAtStart(config: Config, { addresses }: Machine): OwnPlace | null {
  return addresses === null ? null : { own: new OwnListeners(listenersOf(config), addresses), served: null };
}

function readTree(file: string, readFile: LoadInput["readFile"], problems: Problems): Tree | null {
  const text = readText(file, readFile, problems);
  if (text === null) return null;
  try {
    return parseYaml(text, file);
  } catch (error) {
    if (!(error instanceof EdgeErrors)) throw error;
    for (const { where, message, hint, code } of error.errors) problems.add(where ?? file, message, hint, code);
    return null;
  }
}

function readText(file: string, readFile: LoadInput["readFile"], problems: Problems): string | null {
  try {
    return readFile(file);
  } catch (error) {
    const what = `Cannot read ${quote(file)}: ${fileFault(error)}`;
    problems.add(typed(`--config ${file}`), what, undefined, "CONFIG_UNREADABLE");
    return null;
  }
}

/** Which services there are decides which settings and keys can be given, so names are looked for before anything is read. */
function resolve(
  { flags, machine, runtime, place: running }: LoadInput,
  file: string | null,
  tree: Tree | null,
  problems: Problems,
): Config {
  const further = furtherNames(flags, tree);
  const options = settingsWith(further);
  const every = optionsOf({ ...COMMAND_LINE, ...BASE, ...options });
  const layers: readonly Texts[] = [
    readFlagSettings(flags, every, problems),
    ...(tree === null ? [] : [readTreeSettings(tree, every, problems)]),
  ];
  const where = (option: Option<unknown>): string => placeOf(option, layers);
  const read = <T>(option: Option<T>): T =>
    resolveOption(option, layers.find((texts) => texts.has(option))?.get(option) ?? [], machine, problems);
  const base = mapGroup(BASE, read);
  const settings = mapGroup(options, read);
  const services = servicesOf(further, settings, `--${COMMAND_LINE.file.flag}`, problems);
  for (const name of further) checkSwitchedOff(name, options, layers, problems);
  const table = { options: clusterWith(services), services };
  const entries = readClusters(flags, tree, runtime ?? NO_RUNTIME_LAYER, keysOf(table.options), problems);
  const passed = machine.passed ?? [];
  const settled = withPassed(settings, passed, services, problems);
  const { admin, adminAuth } = settled;
  const config: Config = {
    ...settled,
    file,
    fromFile: tree,
    removed: entries.removed.map(({ name, layer, where: at }) => ({ name, layer, where: at })),
    clusters: entries.kept.flatMap((entry) => resolveCluster(entry, base, table, machine, problems) ?? []),
    services,
    adminAuth: adminAuth ?? (admin === null ? null : authFromEnv(machine, problems)),
    adminGiven: layers.some((texts) => texts.has(GLOBAL.admin)) || passed.some(({ name }) => name === "admin"),
    controlGiven: layers.some((texts) => texts.has(GLOBAL.control)) || passed.some(({ name }) => name === "control"),
  };
  const place = running ?? placeAtStart(config, machine);
  checkConfig(config, { options, entries: entries.kept, where, place }, problems);
  return withDiscovered(config, { layer: runtime ?? NO_RUNTIME_LAYER, base, table, machine, place });
}

interface Entries {
  readonly kept: readonly ClusterEntry[];
  /** Of file and flags, but removed while running. */
  readonly removed: readonly ClusterEntry[];
}

/** The clusters of all layers, each as the highest one that has it says. */
function readClusters(
  flags: readonly FlagText[],
  tree: Tree | null,
  { added, removed }: RuntimeLayer,
  keys: ClusterKeys,
  problems: Problems,
): Entries {
  const specs = added.map((text) => ({ flag: COMMAND_LINE.clusters.flag, text }));
  const below = lastOfEach([
    ...(tree === null ? [] : readTreeClusters(tree, keys, problems)),
    ...readFlagClusters(flags, keys, problems),
  ]);
  const own = below.filter(({ name }) => !removed.has(name));
  return {
    kept: lastOfEach([...own, ...readFlagClusters(specs, keys, problems, "runtime")]),
    removed: below.filter(({ name }) => removed.has(name)),
  };
}

function placeOf(option: Option<unknown>, layers: readonly Texts[]): string {
  const texts = layers.find((each) => each.has(option))?.get(option);
  return texts?.at(-1)?.where ?? `--${option.flag}`;
}

/** `--listen htps=off`: no layer has such a service, so it is a mistyped name. */
function checkSwitchedOff(name: ServiceName, { listen }: Settings, layers: readonly Texts[], problems: Problems): void {
  const option = settingOf(listen, name);
  const texts = option === undefined ? [] : layers.flatMap((each) => each.get(option) ?? []);
  const [first] = texts;
  if (option === undefined || first === undefined || texts.some(({ text }) => text !== option.inert)) return;
  const hint = didYouMean(name, Object.keys(LISTEN));
  problems.add(first.where, `Cannot switch off ${quote(name)}: there is no such service`, hint);
}

/** A cluster of a higher layer replaces the whole entry, in its place. */
function lastOfEach(entries: readonly ClusterEntry[]): readonly ClusterEntry[] {
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

/** Without an admin listener the variable asks for nothing: it may be set for all services of a machine. */
function authFromEnv(machine: Machine, problems: Problems): Config["adminAuth"] {
  const text = machine.env[AUTH_VARIABLE];
  if (text === undefined || text === "") return null;
  return resolveOption(GLOBAL.adminAuth, [{ text, where: AUTH_VARIABLE }], machine, problems);
}

/** For callers that need one cluster at least. @throws EdgeErrors */
export function requireClusters(config: Config): readonly ClusterConfig[] {
  if (config.clusters.length > 0 || config.discover.length > 0) return config.clusters;
  const where = config.file === null ? undefined : `${config.file}:1:1`;
  const message = "Cannot start: 0 clusters, at least 1 wanted";
  throw new EdgeErrors([new EdgeError("CONFIG_INVALID", message, { where, hint: "add clusters: or --cluster" })]);
}
