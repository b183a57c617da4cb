/** The imported configuration before it is written: options of the option table with the texts they get. */
import { CLUSTER } from "../../config/options/cluster-options.ts";
import type { Option } from "../../config/options/option.ts";
import type { Ledger } from "../source/ledger.ts";
import type { SourceLine } from "../source/lexer.ts";
import type { Group } from "./groups.ts";

export interface OptionTexts {
  readonly option: Option<unknown>;
  /** More than one only for options that hold many values. */
  readonly texts: readonly string[];
}

export interface ImportedCluster {
  readonly group: Group;
  readonly options: readonly OptionTexts[];
}

export interface Imported {
  readonly settings: readonly OptionTexts[];
  readonly clusters: readonly ImportedCluster[];
}

/** The domain that a cluster is written with. */
export function writtenDomain({ clusters }: Imported, group: Group): string | null {
  const options = clusters.find((cluster) => cluster.group === group)?.options ?? [];
  return options.find(({ option }) => option === CLUSTER.domain)?.texts[0] ?? null;
}

/** A option with texts, or nothing where there are none or they say the default. */
export function optionTexts(option: Option<unknown>, texts: readonly string[]): OptionTexts[] {
  const isDefault = texts.length === 1 && texts[0] === option.fallback;
  return texts.length === 0 || isDefault ? [] : [{ option, texts }];
}

/** A directive that a option came from, and what to say of it. */
export interface Origin {
  readonly line: SourceLine;
  readonly fate: "carried" | "changed";
  readonly why: string;
  readonly todo?: string;
}

/** As `optionTexts`, with a word on the directives behind it: another one where this version cannot take the option. */
export function notedOption(
  option: Option<unknown>,
  texts: readonly string[],
  origins: readonly Origin[],
  ledger: Ledger,
): OptionTexts[] {
  const problem = unreadable({ option, texts });
  for (const { line, fate, why, todo } of origins) {
    if (problem === null) ledger.note(line, fate, why, todo === undefined ? {} : { todo });
    else ledger.note(line, "cannot", `edge-lb ${problem}`, { code: "unreadable" });
  }
  return problem === null ? optionTexts(option, texts) : [];
}

/** What the option's own reader says against the texts. */
function unreadable({ option, texts }: OptionTexts): string | null {
  let problem: string | null = null;
  const at = texts.map((text) => ({ text, where: "" }));
  option.parse(
    at,
    ({ text }, { wanted }) => (problem = `cannot take ${text} as ${option.item ?? option.flag}: ${wanted} wanted`),
  );
  return problem;
}
