/** `--help` and the usage, from the option table. */
import { CLUSTER } from "../config/cluster-options.ts";
import { SECTIONS } from "../config/options.ts";
import type { Option } from "../config/option.ts";
import { COMMANDS, optionsOf, type CommandSpec } from "./commands.ts";

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

export function helpText(spec: CommandSpec): string {
  const blocks = spec === COMMANDS[0] ? [intro(), commandBlock()] : [commandUsage(spec)];
  if (spec.switches.length > 0) {
    const lines = spec.switches.map(({ flag, value, help }) =>
      entry(value === undefined ? `--${flag}` : `--${flag} ${value}`, help),
    );
    blocks.push(block(`Options of ${spec.name}`, lines));
  }
  if (spec.settings) blocks.push(...settingBlocks());
  else if (spec.live) blocks.push(block("Where it runs", optionsOf(spec).map(rowEntry)));
  return `${blocks.join("\n\n")}\n`;
}

function intro(): string {
  return [
    "edge-lb puts any number of Kubernetes and OpenShift clusters behind one IP, without terminating TLS.",
    "",
    "Usage: edge-lb [COMMAND] [OPTION...]",
    `Example: ${EXAMPLE}`,
  ].join("\n");
}

function commandUsage({ name, args, help, settings }: CommandSpec): string {
  const usage = ["edge-lb", name, args, settings ? "[OPTION...]" : ""].filter((part) => part !== "").join(" ");
  return `${help}\n\nUsage: ${usage}`;
}

function commandBlock(): string {
  const lines = COMMANDS.map(({ name, args, help }) => entry(`${name} ${args}`.trim(), help));
  return block("Commands", lines);
}

function settingBlocks(): readonly string[] {
  const keys = Object.values(CLUSTER).map((option) => entry(`${option.item}=${option.value}`, describeOption(option)));
  return [
    ...SECTIONS.map(({ title, options }) => block(title, options.map(rowEntry))),
    block("Keys of --cluster (an item without = continues the key before it)", keys),
  ];
}

function rowEntry(option: Option<unknown>): string {
  return entry(flagText(option), describeOption(option));
}

/** `-c, --config FILE`, `--timeout hello=DURATION`. */
export function flagText(option: Option<unknown>): string {
  const short = option.short === null ? "" : `-${option.short}, `;
  const item = option.item === null ? "" : `${option.item}=`;
  return `${short}--${option.flag} ${item}${option.value}`;
}

function describeOption(option: Option<unknown>): string {
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
