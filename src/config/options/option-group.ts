/** Groups of options, and what derives from them: the type of the configuration, its values, their changes, the snapshot's part. */
import type { Option } from "./option.ts";

/** Options by the key that their value has in the configuration; a group in a group is an object in an object. */
export interface Group {
  readonly [key: string]: Option<unknown> | Group;
}

/** The values of a group. */
export type Resolved<G> = { readonly [K in keyof G]: G[K] extends Option<infer T> ? T : Resolved<G[K]> };

/** The values of a group's options for the data plane. */
export type DataPart<G> = {
  readonly [K in keyof G as G[K] extends Option<unknown, "data"> ? K : never]: Resolved<G>[K];
};

interface Values {
  readonly [key: string]: unknown;
}

function isOption(member: Option<unknown> | Group): member is Option<unknown> {
  return "parse" in member && typeof member.parse === "function";
}

/** Every option of the group and of those in it, in order. */
export function optionsOf(group: Group): readonly Option<unknown>[] {
  return Object.values(group).flatMap((member) => (isOption(member) ? [member] : optionsOf(member)));
}

/** The group with a value in place of each option. @param from The values that each option has, for `of`. */
export function mapGroup<G extends Group>(
  group: G,
  of: <T>(option: Option<T>, ...values: readonly T[]) => T,
  ...from: readonly Resolved<G>[]
): Resolved<G> {
  return mapMembers(group, of, from) as Resolved<G>; // one value of its type for each option: what `of` says
}

function mapMembers(
  group: Group,
  of: (option: Option<unknown>, ...values: readonly unknown[]) => unknown,
  from: readonly unknown[],
): Values {
  return Object.fromEntries(
    Object.entries(group).map(([key, member]) => {
      const values = from.map((each) => valueIn(each, key));
      return [key, isOption(member) ? of(member, ...values) : mapMembers(member, of, values)];
    }),
  );
}

/** The options whose value is not the same, and what became of it. */
export function changesOf<G extends Group>(group: G, before: Resolved<G>, after: Resolved<G>): readonly Change[] {
  return changesOfMembers(group, before, after);
}

export interface Change {
  readonly option: Option<unknown>;
  readonly text: string;
}

function changesOfMembers(group: Group, before: unknown, after: unknown): readonly Change[] {
  return Object.entries(group).flatMap(([key, member]) => {
    const [was, is] = [valueIn(before, key), valueIn(after, key)];
    if (was === is) return [];
    if (!isOption(member)) return changesOfMembers(member, was, is);
    const text = member.change(was, is);
    return text === null ? [] : [{ option: member, text }];
  });
}

/** What the data plane gets of a group's values. */
export function dataPart<G extends Group>(group: G, values: Resolved<G>): DataPart<G> {
  const kept = Object.entries(group).filter(([, member]) => isOption(member) && member.plane === "data");
  return Object.fromEntries(kept.map(([key]) => [key, valueIn(values, key)])) as DataPart<G>; // the same keys as in the type
}

function valueIn(values: unknown, key: string): unknown {
  return isValues(values) ? values[key] : undefined;
}

function isValues(values: unknown): values is Values {
  return typeof values === "object" && values !== null;
}
