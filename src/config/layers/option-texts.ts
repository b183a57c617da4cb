/** Texts gathered per option, before anything is read: what the flags and the file have in common. */
import type { Option } from "../options/option.ts";
import { didYouMean, quote, type Located, type Problems } from "../values/text.ts";
import type { Tree } from "./yaml.ts";

export type Texts = ReadonlyMap<Option<unknown>, readonly Located[]>;

/** Adds a text to those of its option. */
export function addText(
  texts: Map<Option<unknown>, Located[]>,
  option: Option<unknown>,
  ...more: readonly Located[]
): void {
  texts.set(option, [...(texts.get(option) ?? []), ...more]);
}

export function reportUnknownKey(key: Located, of: string, known: Iterable<string>, problems: Problems): void {
  problems.add(key.where, `Cannot use key ${quote(key.text)}${of}: not known`, didYouMean(key.text, known));
}

/** The texts of a value in the file, as far as the option can hold them. */
export function textsOf(tree: Tree, option: Option<unknown>, problems: Problems): readonly Located[] {
  const name = option.item ?? option.flag;
  if (tree.kind === "text") return [tree];
  if (tree.kind === "list" && option.many) {
    if (tree.items.length === 0) {
      problems.add(tree.where, `Cannot use ${name}: an empty list found, at least one item wanted`);
    }
    return tree.items.flatMap((item) => {
      if (item.kind === "text") return [item];
      problems.add(item.where, `Cannot use ${name}: ${describe(item)} found in the list, texts wanted`);
      return [];
    });
  }
  const wanted = option.many ? `${option.value} or a list` : option.value;
  problems.add(tree.where, `Cannot use ${name}: ${describe(tree)} found, ${wanted} wanted`);
  return [];
}

/** What the operator sees in the file. */
export function describe(tree: Tree): string {
  const words = { text: "a text", empty: "nothing", list: "a list", map: "keys" } as const;
  return words[tree.kind];
}
