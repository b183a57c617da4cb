/**
 * argv to a command. cac knows the commands and which flags they take; values are taken from the arguments themselves, since it
 * reads `08080` as a number, lets a flag without value be `true`, forgets what follows `--` and fails on `-a --a.b`.
 */
import { cac } from "cac";
import type { FlagText } from "../config/layers.ts";
import { TOP_ROWS } from "../config/options.ts";
import { collectProblems, didYouMean, quote, type Problems } from "../config/text.ts";
import { EdgeError } from "../errors.ts";
import { COMMANDS, findCommand, optionsOf, type CommandSpec, type Switch } from "./commands.ts";

export interface Command {
  readonly spec: CommandSpec;
  /** Print help instead. */
  readonly help: boolean;
  readonly args: readonly string[];
  /** Settings, in the order typed, long names. */
  readonly flags: readonly FlagText[];
  readonly switches: ReadonlySet<string>;
  /** Of the switches that take a value, the last one typed. */
  readonly values: ReadonlyMap<string, string>;
}

/** Flags without a value that every command takes. */
const HELP: Switch = { flag: "help", help: "Print this" };
const VERSION: Switch = { flag: "version", help: "Print the version" };
const SHORT: Readonly<Record<string, string>> = { h: "help", v: "version" };

/** @throws EdgeErrors with every mistake */
export function parseCommandLine(argv: readonly string[]): Command {
  const walked = walk(argv);
  if (walked.switches.has(VERSION.flag)) return { ...NO_COMMAND, spec: findCommand("version") ?? DEFAULT };
  const [first, ...rest] = walked.words;
  const named = first === undefined ? undefined : findCommand(first.text);
  const spec = named ?? DEFAULT;
  if (walked.switches.has(HELP.flag)) return { ...NO_COMMAND, spec, help: true };
  const words = named === undefined ? walked.words : rest;
  const problems = collectProblems();
  for (const fault of walked.faults) problems.add(...fault);
  checkFlags(spec, walked, problems);
  checkWords(spec, words, named === undefined, problems);
  problems.throwIfAny();
  guard(() => {
    const cli = declare();
    cli.parse(["edge-lb", "edge-lb", ...argv], { run: false });
    cli.runMatchedCommand();
  });
  const { flags, switches, values } = walked;
  return { spec, help: false, args: words.map(({ text }) => text), flags, switches, values };
}

const DEFAULT: CommandSpec = COMMANDS[0] ?? never();
const NO_COMMAND: Omit<Command, "spec"> = { help: false, args: [], flags: [], switches: new Set(), values: new Map() };

function never(): never {
  throw new EdgeError("INTERNAL", "Cannot start: no command declared");
}

function declare(): ReturnType<typeof cac> {
  const cli = cac("edge-lb");
  cli.option("-h, --help", HELP.help);
  cli.option("-v, --version", VERSION.help);
  for (const spec of COMMANDS) {
    const command = cli.command(spec === DEFAULT ? "" : `${spec.name} ${spec.args}`.trim(), spec.help);
    if (spec === DEFAULT) command.alias(spec.name);
    for (const { flag, value, help } of spec.switches) {
      command.option(value === undefined ? `--${flag}` : `--${flag} <value>`, help);
    }
    for (const option of optionsOf(spec)) {
      command.option(`${option.short === null ? "" : `-${option.short}, `}--${option.flag} <value>`, option.help);
    }
    // runMatchedCommand() checks nothing for a command without an action.
    command.action(() => {});
  }
  return cli;
}

/** The last word is cac's: what it refuses after our own checks is refused. */
function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new EdgeError("USAGE", `Cannot read the command line: ${error instanceof Error ? error.message : "refused"}`);
  }
}

type Fault = Parameters<Problems["add"]>;

/** An argument that is neither a flag nor its value. */
interface Word {
  readonly text: string;
  /** The flag before it, when its value is a secret and this word may belong to it. */
  readonly afterSecret: string | null;
}

interface Walked {
  readonly flags: readonly FlagText[];
  readonly switches: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly words: readonly Word[];
  readonly faults: readonly Fault[];
}

const SWITCHES: ReadonlyMap<string, Switch> = new Map(
  [HELP, VERSION, ...COMMANDS.flatMap(({ switches }) => switches)].map((each) => [each.flag, each]),
);
const ROW_OF = new Map(TOP_ROWS.map((option) => [option.flag, option]));

function walk(argv: readonly string[]): Walked {
  const [flags, switches, values] = [new Array<FlagText>(), new Set<string>(), new Map<string, string>()];
  const [words, faults] = [new Array<Word>(), new Array<Fault>()];
  let afterSecret: string | null = null;
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] ?? "";
    if (!arg.startsWith("-") || arg === "-") {
      words.push({ text: arg, afterSecret });
      continue;
    }
    const { flag, shown, inline } = splitFlag(arg);
    const follows = argv[at + 1];
    const next = follows === undefined || follows.startsWith("-") ? null : follows;
    const own = SWITCHES.get(flag);
    const option = ROW_OF.get(flag);
    const wanted = own?.value ?? option?.value;
    if (own !== undefined && own.value === undefined) {
      if (inline === null) switches.add(flag);
      else faults.push([shown, "Cannot use this flag: a value found, none wanted", undefined, "USAGE"]);
    } else if (wanted === undefined) {
      faults.push([shown, "Cannot use this flag: not known", suggestFlag(flag), "USAGE"]);
      // What follows was meant as its value: no second complaint, and no echo.
      if (arg !== "--" && inline === null && next !== null && findCommand(next) === undefined) at++;
    } else {
      const text = inline ?? next ?? "";
      if (inline === null && next !== null) at++;
      if (text === "")
        faults.push([shown, `Cannot use this flag: no value found, ${wanted} wanted`, undefined, "USAGE"]);
      else if (own === undefined) flags.push({ flag, text });
      else values.set(flag, text);
      afterSecret = option?.secret === true ? shown : null;
    }
  }
  return { flags, switches, values, words, faults };
}

/** `--flag=text`, `--flag`, `-c`; `flag` is the long name, "" when there is no such short one. */
function splitFlag(arg: string): { flag: string; shown: string; inline: string | null } {
  const equals = arg.indexOf("=");
  const shown = equals < 0 ? arg : arg.slice(0, equals);
  const inline = equals < 0 ? null : arg.slice(equals + 1);
  const long = /^--([^-].*)$/.exec(shown)?.[1];
  return { flag: long ?? longOf(shown.slice(1)), shown, inline };
}

function longOf(short: string): string {
  return (Object.hasOwn(SHORT, short) ? SHORT[short] : TOP_ROWS.find((option) => option.short === short)?.flag) ?? "";
}

function suggestFlag(flag: string): string | undefined {
  const positive = /^no-(.+)$/.exec(flag)?.[1] ?? "";
  if (ROW_OF.has(positive)) return `write --${positive} off`;
  return didYouMean(
    `--${flag}`,
    [...ROW_OF.keys(), ...SWITCHES.keys()].map((known) => `--${known}`),
  );
}

/** Flags that belong to another command. */
function checkFlags(spec: CommandSpec, walked: Walked, problems: Problems): void {
  const taken = new Set(optionsOf(spec).map(({ flag }) => flag));
  for (const { flag } of walked.flags) {
    if (taken.has(flag)) continue;
    problems.add(`--${flag}`, `Cannot use this flag: ${spec.name} does not take it`, undefined, "USAGE");
  }
  for (const flag of [...walked.switches, ...walked.values.keys()]) {
    if (spec.switches.some((each) => each.flag === flag)) continue;
    problems.add(`--${flag}`, `Cannot use this flag: ${spec.name} does not take it`, undefined, "USAGE");
  }
}

function checkWords(spec: CommandSpec, words: readonly Word[], isDefault: boolean, problems: Problems): void {
  const most = spec.args === "" ? 0 : spec.args.split(" ").length;
  const least = spec.args.split("<").length - 1;
  if (words.length < least) {
    problems.add(spec.name, `Cannot run ${spec.name}: no argument found, ${spec.args} wanted`, undefined, "USAGE");
  }
  for (const [index, { text, afterSecret }] of words.slice(most).entries()) {
    if (afterSecret !== null) {
      problems.add(afterSecret, "Cannot use the argument after the value: not expected", undefined, "USAGE");
    } else if (isDefault && index === 0 && /^[a-z]+$/.test(text)) {
      const names = COMMANDS.map(({ name }) => name);
      problems.add(text, "Cannot run this command: not known", didYouMean(text, names) ?? "see --help", "USAGE");
    } else {
      const hint = text.includes("=") ? `clusters are flags: --cluster ${text.split("=")[0]}=...` : undefined;
      problems.add("", `Cannot use ${quote(text)}: not expected`, hint, "USAGE");
    }
  }
}
