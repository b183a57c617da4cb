/** From an haproxy.cfg to a configuration of edge-lb and a report on every line of the source. Pure. */
import type { Group } from "./plan/groups.ts";
import type { Imported } from "./plan/imported.ts";
import type { Entry } from "./plan/listeners.ts";
import { planImport, readParts } from "./plan/plan.ts";
import type { Unit } from "./plan/units.ts";
import { noteEverythingElse } from "./report/line-notes.ts";
import { findMistakes } from "./report/mistakes.ts";
import { noteRoutes } from "./report/route-notes.ts";
import { readSource, type Source } from "./source/configuration.ts";
import { openLedger, type Note } from "./source/ledger.ts";
import type { ReadSide } from "./source/samples.ts";

export interface ImportInput {
  /** Name of the source for messages. */
  readonly file: string;
  readonly text: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Files of `-f` and of maps. */
  readonly readSide: ReadSide;
  /** Domain of the one cluster whose names the source does not tell, or null. */
  readonly domain: string | null;
}

export interface ImportResult {
  readonly source: Source;
  readonly entries: readonly Entry[];
  readonly units: readonly Unit[];
  readonly groups: readonly Group[];
  readonly imported: Imported;
  readonly notes: readonly Note[];
}

/** @throws EdgeErrors CONFIG_UNREADABLE with `file:line:column` */
export function importHaproxy(input: ImportInput): ImportResult {
  const source = readSource(input.file, input.text, input);
  const ledger = openLedger();
  const parts = readParts(source, input.domain, ledger);
  const imported = planImport(parts, ledger);
  noteRoutes(parts, ledger);
  findMistakes(parts, ledger);
  noteEverythingElse(parts, ledger);
  const { entries, units, groups } = parts;
  return { source, entries, units, groups, imported, notes: ledger.notes };
}
