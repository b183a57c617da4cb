/** Loads a configuration from texts, for the tables of these tests. */
import { expect } from "bun:test";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/model.ts";
import type { Machine } from "../../src/config/options/option.ts";
import { EdgeErrors } from "../../src/errors.ts";
import { schemaFaults } from "./options/schema-faults.ts";

export const MACHINE: Machine = { env: {}, userId: 0, cpus: 8, addresses: null };
export const FILE = "lab.yaml";

/** @param flags `["domain", "lab"]` pairs; a file given as text is read as `lab.yaml`. */
export function load(flags: readonly (readonly [string, string])[], file?: string, machine = MACHINE): Config {
  const config = loadAll(flags, file, machine);
  if (file !== undefined) expect(schemaFaults(file)).toEqual([]); // what edge-lb takes, an editor must not call wrong
  return config;
}

function loadAll(flags: readonly (readonly [string, string])[], file: string | undefined, machine: Machine): Config {
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
    const mistyped = error.errors.some(
      ({ where, message }) => where?.startsWith(FILE) && message.endsWith("not known"),
    );
    if (mistyped && file !== undefined) expect(schemaFaults(file)).not.toEqual([]);
    return error.errors.map((each) => each.toLine());
  }
}
