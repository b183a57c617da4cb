/** From an haproxy.cfg to a configuration of edge-lb and a report on every line of the source. Pure. */
import type { GivenDomain } from "./plan/groups.ts";
import { planImport, readParts, type ImportResult } from "./plan/plan.ts";
import { noteEverythingElse } from "./report/line-notes.ts";
import { findMistakes } from "./report/mistakes.ts";
import { noteRoutes } from "./report/route-notes.ts";
import { noteRules } from "./report/rule-notes.ts";
import { readSource } from "./source/configuration.ts";
import { openLedger } from "./source/ledger.ts";
import type { LogTarget } from "../config/values/log-target.ts";
import type { ReadSide } from "./source/samples.ts";

export interface ImportInput {
  /** Name of the source for messages. */
  readonly file: string;
  readonly text: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Files of `-f` and of maps. */
  readonly readSide: ReadSide;
  /** Domains of clusters whose names the source does not tell. */
  readonly domains: readonly GivenDomain[];
  /** Whether somebody reads what is sent to a log target of this machine. */
  readonly isRead: (target: LogTarget) => boolean;
}

/** @throws EdgeErrors CONFIG_UNREADABLE with `file:line:column` */
export function importHaproxy(input: ImportInput): ImportResult {
  const source = readSource(input.file, input.text, input);
  const ledger = openLedger();
  const parts = readParts(source, input.domains);
  const imported = planImport(parts, ledger, input.isRead);
  noteRoutes(parts, ledger);
  noteRules(parts, ledger);
  findMistakes(parts, ledger);
  noteEverythingElse(parts, ledger);
  return { ...parts, imported, notes: ledger.notes };
}
