/** Loads a configuration from texts, for the tables of these tests. */
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/model.ts";
import type { Machine } from "../../src/config/option.ts";
import { EdgeErrors } from "../../src/errors.ts";

export const MACHINE: Machine = { env: {}, userId: 0, cpus: 8, addresses: null };
export const FILE = "lab.yaml";

/** @param flags `["domain", "lab"]` pairs; a file given as text is read as `lab.yaml`. */
export function load(flags: readonly (readonly [string, string])[], file?: string, machine = MACHINE): Config {
  const all = file === undefined ? flags : [["config", FILE] as const, ...flags];
  return loadConfig({ flags: all.map(([flag, text]) => ({ flag, text })), readFile: () => file ?? "", machine });
}

/** The lines an operator would see; empty when nothing is wrong. */
export function mistakes(
  flags: readonly (readonly [string, string])[],
  file?: string,
  machine = MACHINE,
): readonly string[] {
  try {
    load(flags, file, machine);
    return [];
  } catch (error) {
    if (!(error instanceof EdgeErrors)) throw error;
    return error.errors.map((each) => each.toLine());
  }
}
