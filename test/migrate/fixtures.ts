/** Fixtures and sources as a test imports them: no process, no environment, side files beside the fixture. */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/model.ts";
import { importHaproxy } from "../../src/migrate/import.ts";
import type { ImportResult } from "../../src/migrate/plan/plan.ts";
import type { NoteClass } from "../../src/migrate/source/ledger.ts";
import { verifyImport, type Difference } from "../../src/migrate/verify/verify.ts";
import { flagWords, writeYaml } from "../../src/migrate/write.ts";

export const FOLDER = new URL("../fixtures/haproxy/", import.meta.url).pathname;

export function readFixture(name: string): string {
  return readFileSync(join(FOLDER, name), "utf8");
}

/** A side file by its last part; null where there is none. */
export function readBeside(path: string): string | null {
  try {
    return readFixture(basename(path));
  } catch {
    return null;
  }
}

export function importText(text: string, domain: string | null = null, file = "haproxy.cfg"): ImportResult {
  return importHaproxy({
    file,
    text,
    environment: new Map(),
    readSide: readBeside,
    domains: domain === null ? [] : [{ cluster: null, domain }],
    isRead: () => true,
  });
}

export function importFixture(name: string, domain: string | null = null): ImportResult {
  return importText(readFixture(`${name}.cfg`), domain, `${name}.cfg`);
}

/** Root's machine, so that defaults are the same everywhere. */
const MACHINE = { env: {}, userId: 0, cpus: 2, addresses: null };

/** What edge-lb's own reader makes of the written YAML. */
export function loadYaml(result: ImportResult): Config {
  const yaml = writeYaml(result.imported, "test");
  return loadConfig({ flags: [{ flag: "config", text: "x.yaml" }], readFile: () => yaml, machine: MACHINE });
}

export function loadFlags(words: readonly string[]): Config {
  const flags = words.flatMap((word, index) =>
    index % 2 === 0 ? [{ flag: word.slice(2), text: words[index + 1] ?? "" }] : [],
  );
  return loadConfig({ flags, readFile: () => "", machine: MACHINE });
}

/** The same configuration written as flags. */
export function loadWords(result: ImportResult): Config {
  return loadFlags(flagWords(result.imported));
}

/** Codes of one class, each once, in the order of the source. */
export function codesOf(result: ImportResult, wanted: NoteClass): string[] {
  return [...new Set(result.notes.filter((note) => note.class === wanted).map((note) => note.code))];
}

export function differencesOf(result: ImportResult): readonly Difference[] {
  return verifyImport(result, loadYaml(result)).differences;
}

/** Differences that nothing explains, as text for a failing test. */
export function unexplained(result: ImportResult): string[] {
  return differencesOf(result)
    .filter((difference) => difference.reason === null)
    .map(({ listener, name, source, edge }) => `${listener} ${name}: ${source} -> ${edge}`);
}
