/** The imported configuration as a file or as flags, from the option table's own rows. */
import type { Imported, RowTexts } from "./plan/imported.ts";

/** YAML that a person would have written: one line per setting and per cluster. */
export function writeYaml(imported: Imported, from: string): string {
  const lines = [`# Written by edge-lb import from ${from.replaceAll(/\s+/g, " ")}`];
  const groups = new Map<string, string[]>();
  for (const { row, texts } of imported.settings) {
    const [group = "", key] = (row.yaml ?? row.flag).split(".");
    const entry = `${key ?? group}: ${yamlValue(texts)}`;
    if (key === undefined) lines.push(entry);
    else groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  for (const [group, entries] of groups) lines.push(`${group}: { ${entries.join(", ")} }`);
  lines.push("clusters:");
  for (const { group, rows } of imported.clusters) {
    lines.push(`  ${yamlScalar(group.name)}:`);
    for (const { row, texts } of rows) lines.push(`    ${row.item ?? row.flag}: ${yamlValue(texts)}`);
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
    ...imported.settings.flatMap(({ row, texts }) => {
      const item = row.item === null ? "" : `${row.item}=`;
      return texts.flatMap((text) => [`--${row.flag}`, item + text]);
    }),
    ...imported.clusters.flatMap(({ group, rows }) => ["--cluster", `${group.name}=${clusterText(rows)}`]),
  ];
}

/** Nodes come first: behind a key they would continue it. */
function clusterText(rows: readonly RowTexts[]): string {
  const nodes = rows.filter(({ row }) => row.item === "nodes");
  return [...nodes, ...rows.filter((row) => !nodes.includes(row))].map(keyText).join(",");
}

function keyText({ row, texts }: RowTexts): string {
  const joined = texts.join(",");
  return row.item === "nodes" ? joined : `${row.item}=${joined}`;
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
