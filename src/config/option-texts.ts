/** Texts gathered per row, before anything is read: what the flags and the file have in common. */
import type { Row } from "./option.ts";
import { didYouMean, quote, type Located, type Problems } from "./text.ts";
import type { Tree } from "./yaml.ts";

export type Texts = ReadonlyMap<Row<unknown>, readonly Located[]>;

/** Adds a text to those of its row. */
export function addText(texts: Map<Row<unknown>, Located[]>, row: Row<unknown>, ...more: readonly Located[]): void {
  texts.set(row, [...(texts.get(row) ?? []), ...more]);
}

export function reportUnknownKey(key: Located, of: string, known: Iterable<string>, problems: Problems): void {
  problems.add(key.where, `Cannot use key ${quote(key.text)}${of}: not known`, didYouMean(key.text, known));
}

/** The texts of a value in the file, as far as the row can hold them. */
export function textsOf(tree: Tree, row: Row<unknown>, problems: Problems): readonly Located[] {
  const name = row.item ?? row.flag;
  if (tree.kind === "text") return [tree];
  if (tree.kind === "list" && row.many) {
    if (tree.items.length === 0) {
      problems.add(tree.where, `Cannot use ${name}: an empty list found, at least one item wanted`);
    }
    return tree.items.flatMap((item) => {
      if (item.kind === "text") return [item];
      problems.add(item.where, `Cannot use ${name}: ${describe(item)} found in the list, texts wanted`);
      return [];
    });
  }
  const wanted = row.many ? `${row.value} or a list` : row.value;
  problems.add(tree.where, `Cannot use ${name}: ${describe(tree)} found, ${wanted} wanted`);
  return [];
}

/** What the operator sees in the file. */
export function describe(tree: Tree): string {
  const words = { text: "a text", empty: "nothing", list: "a list", map: "keys" } as const;
  return words[tree.kind];
}
