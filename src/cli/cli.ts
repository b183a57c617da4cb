/** From argv to an exit code: 0 done, 1 failed while running, 2 the command line or the file is wrong. */
import type { FlagText } from "../config/layers.ts";
import type { Config } from "../config/model.ts";
import { loadConfig, NO_RUNTIME_LAYER, requireClusters, type RuntimeLayer } from "../config/load.ts";
import { COMMAND_LINE, GLOBAL } from "../config/options.ts";
import { EdgeError, EdgeErrors, type EdgeErrorCode } from "../errors.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { checkLive } from "./check-live.ts";
import { findClient } from "./client.ts";
import { parseCommandLine, type Command } from "./command-line.ts";
import type { CommandSpec } from "./commands.ts";
import { dns } from "./dns.ts";
import { drain } from "./drain.ts";
import { explain } from "./explain.ts";
import { explainRunning } from "./explain-live.ts";
import { exportCommand } from "./export.ts";
import { helpText, usageText } from "./help.ts";
import { importCommand } from "./import.ts";
import { machineOf, type Io } from "./io.ts";
import { reload } from "./reload.ts";
import { rm } from "./rm.ts";
import { status } from "./status.ts";
import { printVersion } from "./version.ts";
import { watch } from "./watch.ts";

export interface CliDeps {
  /** Serves until the end; its exit code. `load` reads file and flags anew, with runtime changes on top. @throws EdgeErrors */
  readonly run: (config: Config, load: (runtime: RuntimeLayer) => Config) => Promise<number>;
}

/** Never rejects, prints no stack. */
export async function runCli(argv: readonly string[], io: Io, deps: CliDeps): Promise<number> {
  try {
    // Its options are its own: a file of another program is no setting of this one.
    if (argv[0] === "import" && !argv.includes("--help") && !argv.includes("-h"))
      return importCommand(io, argv.slice(1));
    return await execute(parseCommandLine(argv), io, deps);
  } catch (error) {
    return report(error, io);
  }
}

async function execute(command: Command, io: Io, deps: CliDeps): Promise<number> {
  const { spec, args, flags, switches, values } = command;
  if (command.help) return printHelp(spec, io);
  if (spec.name === "version") return printVersion(io);
  if (spec.live) return executeLive(command, io);
  if (spec.name === "explain" && asksRunning(flags)) {
    const client = await findClient(flags, io);
    if (client !== null) return explainRunning(client, args[0] ?? "", io).finally(() => client.close());
  }
  const load = (runtime: RuntimeLayer): Config =>
    loadConfig({ flags, readFile: io.readFile, machine: machineOf(io), runtime });
  const config = load(NO_RUNTIME_LAYER);
  switch (spec.name) {
    case "check":
      return switches.has("live") ? checkLive(config, flags, io) : check(config, io);
    case "dns":
      return dns(config, { address: values.get("for") ?? null, format: values.get("format") ?? null }, io);
    case "explain":
      return explain(config, args[0] ?? "", io);
    case "export":
      return exportCommand(config, args[0] ?? "", io);
    default:
      return run(config, load, io, deps);
  }
}

/** What is said of a configuration on the command line is asked of that one, and not of the one that runs. */
function asksRunning(flags: readonly FlagText[]): boolean {
  const given = new Set(flags.map(({ flag }) => flag));
  if (given.has(GLOBAL.control.flag)) return true;
  return !given.has(COMMAND_LINE.clusters.flag) && !given.has(COMMAND_LINE.file.flag);
}

function executeLive({ spec, args, flags, switches }: Command, io: Io): Promise<number> {
  const text = args[0] ?? "";
  const save = switches.has("save");
  switch (spec.name) {
    case "reload":
      return reload(flags, io);
    case "add":
      return add(text, save, flags, io);
    case "rm":
      return rm(text, { now: switches.has("now"), save }, flags, io);
    case "drain":
      return drain(text, switches.has("undo"), flags, io);
    default:
      if (switches.has("watch")) return watch(switches.has("json"), flags, io);
      return status(switches.has("json"), flags, io);
  }
}

function printHelp(spec: CommandSpec, io: Io): number {
  io.out(helpText(spec));
  return 0;
}

async function run(config: Config, load: (runtime: RuntimeLayer) => Config, io: Io, deps: CliDeps): Promise<number> {
  if (config.clusters.length === 0 && config.file === null) {
    io.err(usageText());
    return 2;
  }
  requireClusters(config);
  return deps.run(config, load);
}

/** Mistakes of the operator before anything ran. */
const WRONG_INPUT: ReadonlySet<EdgeErrorCode> = new Set(["USAGE", "CONFIG_INVALID", "CONFIG_UNREADABLE"]);

function report(error: unknown, io: Io): number {
  const errors = error instanceof EdgeErrors ? error.errors : [asEdgeError(error)];
  for (const each of errors) io.err(`edge-lb: ${each.toLine()}\n`);
  return errors.every(({ code }) => WRONG_INPUT.has(code)) ? 2 : 1;
}

function asEdgeError(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new EdgeError("INTERNAL", `Cannot go on: ${words.replaceAll(/\s*\n\s*/g, " ")}`, {
    hint: "this is a fault of edge-lb, please report it",
  });
}
