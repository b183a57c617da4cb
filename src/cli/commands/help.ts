/** `--help` and the usage, from the option table. */
import { CLUSTER_KEYS, FURTHER_KEYS } from "../../config/options/cluster-options.ts";
import { COMMAND_LINE, FURTHER_LISTEN, SECTIONS } from "../../config/options/options.ts";
import type { Option } from "../../config/options/option.ts";
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import { suggestCommand } from "../line/call-reader.ts";
import { argumentsText, command, optionalArgument, type Command } from "../line/command.ts";
import type { CommandOptions } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";

export const HELP_COMMAND = command({
  name: "help",
  help: "Print what edge-lb or one of its commands takes",
  args: [optionalArgument("COMMAND", "command")],
  run({ args: [name], commands, io }) {
    const asked = name === undefined ? commands[0] : commands.find((each) => each.name === name);
    if (asked === undefined) {
      const hint = suggestCommand(name ?? "", commands);
      throw new EdgeError("USAGE", `Cannot help with ${quote(name ?? "")}: no such command`, { hint });
    }
    io.out(asked === commands[0] ? programHelp(commands) : commandHelp(asked));
    return EXIT.done;
  },
});

/** The one line that gets a lab owner going. */
export const EXAMPLE = "edge-lb --cluster hub=192.168.125.20-25 --cluster managed1=192.168.125.30-35";

/** What `edge-lb` says when there is no cluster. */
export function usageText(): string {
  return [
    "Usage: edge-lb [COMMAND] --cluster NAME=NODE[,NODE...] [--cluster ...] [OPTION...]",
    `Example: ${EXAMPLE}`,
    "edge-lb --help lists commands and options",
    "",
  ].join("\n");
}

/** Wider than this the left column pushes its help to the next line. */
const LEFT = 34;
const WIDTH = 98;

function programHelp(commands: readonly Command[]): string {
  return joined([intro(), commandBlock(commands), ...SECTIONS.map(sectionBlock), clusterBlock()]);
}

function commandHelp(asked: Command): string {
  return joined([commandUsage(asked), ...optionBlock(asked), ...settingBlocks(asked)]);
}

function joined(blocks: readonly string[]): string {
  return `${blocks.join("\n\n")}\n`;
}

function optionBlock({ name, options }: Command): readonly string[] {
  const lines = Object.entries(options).map(([flag, option]) => entry(optionForm(flag, option), option.help));
  return lines.length === 0 ? [] : [block(`Options of ${name}`, lines)];
}

function settingBlocks({ settings, shown }: Command): readonly string[] {
  if (shown !== null) return [block(shown.title, shown.settings.map(optionEntry)), ...shown.notes];
  const taken = new Set(settings);
  const sections = SECTIONS.map(({ title, options }) => ({
    title,
    options: options.filter((each) => taken.has(each)),
  }));
  const keys = taken.has(COMMAND_LINE.clusters) ? [clusterBlock()] : [];
  return [...sections.filter(({ options }) => options.length > 0).map(sectionBlock), ...keys];
}

function intro(): string {
  return [
    "edge-lb puts any number of Kubernetes and OpenShift clusters behind one IP, without terminating TLS.",
    "",
    "Usage: edge-lb [COMMAND] [OPTION...]",
    `Example: ${EXAMPLE}`,
  ].join("\n");
}

function commandUsage(asked: Command): string {
  const options = asked.settings.length === 0 && Object.keys(asked.options).length === 0 ? "" : "[OPTION...]";
  const usage = ["edge-lb", asked.name, argumentsText(asked), options].filter((part) => part !== "").join(" ");
  return `${asked.help}\n\nUsage: ${usage}`;
}

function commandBlock(commands: readonly Command[]): string {
  return block(
    "Commands",
    commands.map((each) => entry(`${each.name} ${argumentsText(each)}`.trim(), each.help)),
  );
}

function sectionBlock({ title, options }: (typeof SECTIONS)[number]): string {
  const further = options.some(({ flag }) => flag === FURTHER_LISTEN.flag) ? [FURTHER_LISTEN] : [];
  return block(title, [...options, ...further].map(optionEntry));
}

function clusterBlock(): string {
  const keys = [...CLUSTER_KEYS.values(), ...FURTHER_KEYS].map((option) =>
    entry(`${option.item}=${option.value}`, describeOption(option)),
  );
  return block("Keys of --cluster (an item without = continues the key before it)", keys);
}

function optionEntry(option: Option<unknown>): string {
  return entry(flagText(option), describeOption(option));
}

/** `-c, --config FILE`, `--timeout hello=DURATION`. */
export function flagText(option: Option<unknown>): string {
  const short = option.short === null ? "" : `-${option.short}, `;
  const item = option.item === null ? "" : `${option.item}=`;
  return `${short}--${option.flag} ${item}${option.value}`;
}

/** `-o, --out FILE`: an option of one command. */
export function optionForm(flag: string, { short, value }: CommandOptions[string]): string {
  return `${short === null ? "" : `-${short}, `}--${flag}${value === null ? "" : ` ${value}`}`;
}

/** What it does, and its default. */
export function describeOption(option: Option<unknown>): string {
  const fallback = option.fallbackShown === "" ? "" : ` (${option.fallbackShown})`;
  return `${option.help}${fallback}`;
}

function block(title: string, lines: readonly string[]): string {
  return `${title}:\n${lines.join("\n")}`;
}

function entry(left: string, right: string): string {
  const [first = "", ...more] = wrap(right, WIDTH - LEFT);
  const indent = " ".repeat(LEFT + 2);
  const head = left.length < LEFT ? `  ${left.padEnd(LEFT)}${first}` : `  ${left}\n${indent}${first}`;
  return [head, ...more.map((line) => indent + line)].join("\n");
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
