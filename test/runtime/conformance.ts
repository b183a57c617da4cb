/** The one behaviour suite of all runtimes, for `bun test`. `driver.ts` runs the same cases under Node and Deno. */
import { describe, test } from "bun:test";
import { CASE_GROUPS } from "./case-groups.ts";
import type { Harness } from "./harness.ts";
import { runCase } from "./run-case.ts";

const CASE_MS = 30_000;

/** @param open A harness around a fresh runtime; called for every case. */
export function conformance(name: string, open: () => Promise<Harness>): void {
  for (const [group, cases] of Object.entries(CASE_GROUPS)) {
    describe(`${name}: ${group}`, () => {
      for (const one of cases) test(one.name, () => runCase(one, open), CASE_MS);
    });
  }
}
