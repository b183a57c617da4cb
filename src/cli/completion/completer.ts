/** What may be typed next: from the commands, the option table, and the edge-lb that runs. */
import type { FlagText } from "../../config/layers/layers.ts";
import { CLUSTER_KEYS } from "../../config/options/cluster-options.ts";
import { COMMAND_LINE, GLOBAL } from "../../config/options/options.ts";
import type { Status } from "../../control/status/report.ts";
import { ArgumentReader, FlagForms, HELP } from "../line/arguments.ts";
import { findClient } from "../live/client.ts";
import type { Argument, Command } from "../line/command.ts";
import { COMPLETE, type Shell } from "./scripts.ts";
import { EXIT } from "../terminal/exit-code.ts";
import type { Io } from "../terminal/io.ts";

export interface Candidate {
  readonly text: string;
  readonly help: string;
}

/** `files`: for the shell to list. */
export type Completion =
  | { readonly kind: "files" }
  | { readonly kind: "words"; readonly candidates: readonly Candidate[] };

/** What the edge-lb that runs has; null: none runs, or not for this user. */
export type AskRunning = (settings: readonly FlagText[]) => Promise<Pick<Status, "clusters"> | null>;

/** Somebody waits with a finger on the key. */
const ANSWER_MS = 3_000;

export function isCompletion([first]: readonly string[]): boolean {
  return first === COMPLETE;
}

/** @param argv `__complete SHELL WORD...` @returns the exit code */
export async function answerShell(
  [, shell, ...words]: readonly string[],
  commands: readonly Command[],
  io: Io,
): Promise<number> {
  const completer = new Completer(commands, (settings) => askRunning(settings, io));
  const typed = shell === "bash" ? joinBroken(words) : words;
  const completion = await completer.complete(typed);
  io.out(answerText(completion, shell === "bash" ? "bash" : "zsh", typed.at(-1) ?? ""));
  return EXIT.done;
}

async function askRunning(settings: readonly FlagText[], io: Io): Promise<Status | null> {
  const late = new Promise<null>((resolve) => void setTimeout(resolve, ANSWER_MS, null));
  const asked = async (): Promise<Status | null> => {
    const client = await findClient(settings, io);
    return client === null
      ? null
      : client
          .ask("GET", "status")
          .then((answer) => answer as Status)
          .finally(() => client.close());
  };
  return Promise.race([late, asked().catch(() => null)]);
}

/** bash breaks words at `=` and `:` and hands each piece over alone. */
export function joinBroken(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  let isOpen = false;
  for (const word of words) {
    const isBreak = /^[=:]+$/.test(word);
    if (joined.length > 0 && (isBreak || isOpen)) joined[joined.length - 1] += word;
    else joined.push(word);
    isOpen = isBreak;
  }
  return joined;
}

/** bash replaces what stands behind the last `=` or `:`, and shows no help. */
function answerText(completion: Completion, shell: Shell, current: string): string {
  if (completion.kind === "files") return "files\n";
  const kept = shell === "bash" ? (/^.*[=:]/.exec(current)?.[0].length ?? 0) : 0;
  const lines = completion.candidates.map(({ text, help }) =>
    shell === "bash" || help === "" ? text.slice(kept) : `${text}\t${help}`,
  );
  return `${["words", ...lines].join("\n")}\n`;
}

const FILES: Completion = { kind: "files" };

interface FlagValue {
  /** As in help: `ADDR:PORT|off`. */
  readonly value: string;
  readonly item: string | null;
  readonly help: string;
  readonly words: readonly string[];
}

export class Completer {
  private readonly commands: readonly Command[];
  private readonly forms: FlagForms;
  private readonly ask: AskRunning;

  constructor(commands: readonly Command[], ask: AskRunning) {
    this.commands = commands;
    this.forms = new FlagForms(commands);
    this.ask = ask;
  }

  /** @param words Behind the program's name; the last one is being typed. */
  async complete(words: readonly string[]): Promise<Completion> {
    const current = words.at(-1) ?? "";
    const found = await this.find(words.slice(0, -1), current);
    if (found.kind === "files") return found;
    return {
      kind: "words",
      candidates: found.candidates.filter(({ text }) => text.startsWith(current) && text !== ""),
    };
  }

  private async find(before: readonly string[], current: string): Promise<Completion> {
    const { words, flags } = new ArgumentReader(before, this.forms).read();
    const settings = flags.flatMap(({ name, text }) => (name === null || text === null ? [] : [{ flag: name, text }]));
    const named = this.commands.find(({ name }) => name === words[0]?.text);
    const command = named ?? this.commands[0];
    if (command === undefined) return wordsOf([]);
    const waiting = flags.at(-1);
    const isWaiting = before.at(-1)?.startsWith("-") === true && waiting?.text === null && waiting.name !== null;
    if (isWaiting && this.forms.form(waiting.name ?? "")?.takesValue === true)
      return this.valuesOf(command, waiting.name ?? "", current, "", settings);
    const [, flag, text] = /^--([^=]+)=(.*)$/.exec(current) ?? [];
    if (flag !== undefined) return this.valuesOf(command, flag, text ?? "", `--${flag}=`, settings);
    if (current.startsWith("-")) return wordsOf(flagsOf(command));
    if (named === undefined)
      return wordsOf(words.length > 0 ? [] : this.commands.map(({ name, help }) => ({ text: name, help })));
    return this.argument(named.args[words.length - 1] ?? named.args.find(({ count }) => count === "any"), settings);
  }

  private async argument(argument: Argument | undefined, settings: readonly FlagText[]): Promise<Completion> {
    const completes = argument?.completes ?? null;
    if (completes === null) return wordsOf([]);
    if (completes === "file") return FILES;
    if (completes === "command") return wordsOf(this.commands.map(({ name, help }) => ({ text: name, help })));
    if (typeof completes !== "string") return wordsOf(completes.map(plain));
    const running = await this.ask(settings);
    return wordsOf((running?.clusters ?? []).flatMap((cluster) => RUNNING[completes](cluster)));
  }

  /** @param prefix What stands before the value in the same word. */
  private async valuesOf(
    command: Command,
    flag: string,
    typed: string,
    prefix: string,
    settings: readonly FlagText[],
  ): Promise<Completion> {
    const values = valuesOfFlag(command, flag);
    const put = (candidates: readonly Candidate[]): Completion =>
      wordsOf(candidates.map(({ text, help }) => ({ text: `${prefix}${text}`, help })));
    if (flag === COMMAND_LINE.clusters.flag) return put(clusterItems(typed));
    if (flag === GLOBAL.defaultCluster.flag) {
      const running = await this.ask(settings);
      return put((running?.clusters ?? []).map(({ name }) => plain(name)));
    }
    if (values.some(({ item, value }) => item === null && /(^|\|)(FILE|PATH)(\||$)/.test(value))) return FILES;
    return put(values.flatMap((value) => wordsOfValue(value, typed)));
  }
}

function wordsOf(candidates: readonly Candidate[]): Completion {
  const first = new Map(candidates.toReversed().map((each) => [each.text, each]));
  return { kind: "words", candidates: [...first.values()].toReversed() };
}

function plain(text: string): Candidate {
  return { text, help: "" };
}

function flagsOf({ options, settings }: Command): readonly Candidate[] {
  return [
    ...Object.entries(options).map(([flag, { help }]) => ({ text: `--${flag}`, help })),
    ...settings.map(({ flag, help }) => ({ text: `--${flag}`, help })),
    { text: `--${HELP.flag}`, help: HELP.help },
  ];
}

function valuesOfFlag({ options, settings }: Command, flag: string): readonly FlagValue[] {
  const own = options[flag];
  if (own !== undefined) return [{ value: own.value ?? "", item: null, help: own.help, words: own.words }];
  return settings
    .filter((option) => option.flag === flag)
    .map(({ value, item, help }) => ({ value, item, help, words: literals(value) }));
}

/** `text` and `json` of `text|json|FILE`. */
function literals(value: string): readonly string[] {
  return value.includes("|") ? value.split("|").filter((word) => /^[a-z0-9-]+$/.test(word)) : [];
}

/** `hello=` of `--timeout`, then what may follow. */
function wordsOfValue({ item, help, words }: FlagValue, typed: string): readonly Candidate[] {
  if (item === null) return words.map(plain);
  if (!typed.startsWith(`${item}=`)) return [{ text: `${item}=`, help }];
  return words.map((word) => plain(`${item}=${word}`));
}

/** Behind `NAME=` the keys of a cluster, and the words they take. */
function clusterItems(typed: string): readonly Candidate[] {
  const equals = typed.indexOf("=");
  if (equals < 0) return [];
  const start = Math.max(equals, typed.lastIndexOf(",")) + 1;
  const [before, item] = [typed.slice(0, start), typed.slice(start)];
  const option = CLUSTER_KEYS.get(item.split("=")[0] ?? "");
  if (item.includes("=")) {
    return option === undefined ? [] : literals(option.value).map((word) => plain(`${before}${option.item}=${word}`));
  }
  return [...CLUSTER_KEYS.values()].map(({ item: key, help }) => ({ text: `${before}${key}=`, help }));
}

type RunningCluster = Status["clusters"][number];

/** What a running cluster gives for each kind of argument. */
const RUNNING: Readonly<Record<"cluster" | "node" | "name", (cluster: RunningCluster) => readonly Candidate[]>> = {
  cluster: ({ name, domain }) => [{ text: name, help: domain ?? "" }],
  node: ({ name, pools }) =>
    pools.flatMap(({ endpoints }) => endpoints.map(({ node, state }) => ({ text: `${name}/${node}`, help: state }))),
  name: ({ name, domain }) =>
    domain === null
      ? []
      : ["api", "api-int", "console-openshift-console.apps"].map((host) => ({ text: `${host}.${domain}`, help: name })),
};
