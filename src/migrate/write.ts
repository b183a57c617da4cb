/** The imported configuration as a file or as flags, from the option table's own options. */
import type { Imported, OptionTexts } from "./plan/imported.ts";

/** YAML that a person would have written: one line per setting and per cluster. */
export function writeYaml(imported: Imported, from: string): string {
  const lines = [`# Written by edge-lb import from ${from.replaceAll(/\s+/g, " ")}`];
  const groups = new Map<string, string[]>();
  for (const { option, texts } of imported.settings) {
    const [group = "", key] = (option.yaml ?? option.flag).split(".");
    const entry = `${key ?? group}: ${yamlValue(texts)}`;
    if (key === undefined) lines.push(entry);
    else groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  for (const [group, entries] of groups) lines.push(`${group}: { ${entries.join(", ")} }`);
  lines.push("clusters:");
  for (const { group, options } of imported.clusters) {
    lines.push(`  ${yamlScalar(group.name)}:`);
    for (const { option, texts } of options) lines.push(`    ${option.item ?? option.flag}: ${yamlValue(texts)}`);
  }
  return `${lines.join("\n")}\n`;
}

function yamlValue(texts: readonly string[]): string {
  return texts.length === 1 ? yamlScalar(texts[0] ?? "") : `[${texts.map(yamlScalar).join(", ")}]`;
}

/** Plain where every reader takes it for this text; JSON's quotes are YAML's. */
function yamlScalar(text: string): string {
  const isPlain = /^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(text) && !/^(true|false|yes|no|null|~)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

/** The words after `edge-lb`, not quoted. */
export function flagWords(imported: Imported): string[] {
  return [
    ...imported.settings.flatMap(({ option, texts }) => {
      const item = option.item === null ? "" : `${option.item}=`;
      return texts.flatMap((text) => [`--${option.flag}`, item + text]);
    }),
    ...imported.clusters.flatMap(({ group, options }) => ["--cluster", `${group.name}=${clusterText(options)}`]),
  ];
}

/** Nodes come first: behind a key they would continue it. */
function clusterText(options: readonly OptionTexts[]): string {
  const nodes = options.filter(({ option }) => option.item === "nodes");
  return [...nodes, ...options.filter((option) => !nodes.includes(option))].map(keyText).join(",");
}

function keyText({ option, texts }: OptionTexts): string {
  const joined = texts.join(",");
  return option.item === "nodes" ? joined : `${option.item}=${joined}`;
}

/** A command for a shell, one flag a line. */
export function writeFlags(imported: Imported): string {
  const words = flagWords(imported).map(shellWord);
  const lines = Array.from({ length: words.length / 2 }, (_, index) => `${words[2 * index]} ${words[2 * index + 1]}`);
  return `${["edge-lb", ...lines].join(" \\\n  ")}\n`;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
