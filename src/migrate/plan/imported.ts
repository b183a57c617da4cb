/** The imported configuration before it is written: rows of the option table with the texts they get. */
import type { Row } from "../../config/option.ts";
import type { Ledger } from "../report/ledger.ts";
import type { SourceLine } from "../source/lexer.ts";
import type { Group } from "./groups.ts";

export interface RowTexts {
  readonly row: Row<unknown>;
  /** More than one only for rows that hold many values. */
  readonly texts: readonly string[];
}

export interface ImportedCluster {
  readonly group: Group;
  readonly rows: readonly RowTexts[];
}

export interface Imported {
  readonly settings: readonly RowTexts[];
  readonly clusters: readonly ImportedCluster[];
}

/** A row with texts, or nothing where there are none or they say the default. */
export function rowTexts(row: Row<unknown>, texts: readonly string[]): RowTexts[] {
  const isDefault = texts.length === 1 && texts[0] === row.fallback;
  return texts.length === 0 || isDefault ? [] : [{ row, texts }];
}

/** A directive that a row came from, and what to say of it. */
export interface Origin {
  readonly line: SourceLine;
  readonly fate: "carried" | "changed";
  readonly why: string;
  readonly todo?: string;
}

/** As `rowTexts`, with a word on the directives behind it: another one where this version cannot take the row. */
export function notedRow(
  row: Row<unknown>,
  texts: readonly string[],
  origins: readonly Origin[],
  ledger: Ledger,
): RowTexts[] {
  const problem = unreadable({ row, texts });
  for (const { line, fate, why, todo } of origins) {
    if (problem === null) ledger.note(line, fate, why, todo === undefined ? {} : { todo });
    else ledger.note(line, "cannot", `edge-lb ${problem}`, { code: "unreadable" });
  }
  return problem === null ? rowTexts(row, texts) : [];
}

/** What the row's own reader says against the texts. */
function unreadable({ row, texts }: RowTexts): string | null {
  let problem: string | null = null;
  const at = texts.map((text) => ({ text, where: "" }));
  row.parse(
    at,
    ({ text }, { wanted }) => (problem = `cannot take ${text} as ${row.item ?? row.flag}: ${wanted} wanted`),
  );
  return problem;
}
