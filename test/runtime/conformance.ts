/** The one behaviour suite of all runtimes, for `bun test`. `driver.ts` runs the same cases under Node and Deno. */
import { describe, test } from "bun:test";
import { CASE_GROUPS } from "./case-groups.ts";
import type { Harness } from "./harness.ts";
import { runCase } from "./run-case.ts";

const CASE_MS = 30_000;

/**
 * @param open A harness around a fresh runtime; called for every case.
 * @param gaps Cases that cannot pass here, each with the reason; one that passes all the same is a failure.
 */
export function conformance(
  name: string,
  open: () => Promise<Harness>,
  gaps: Readonly<Record<string, string>> = {},
): void {
  for (const [group, cases] of Object.entries(CASE_GROUPS)) {
    describe(`${name}: ${group}`, () => {
      for (const one of cases) {
        const reason = gaps[one.name];
        if (reason === undefined) test(one.name, () => runCase(one, open), CASE_MS);
        else test.failing(`${one.name} (${reason})`, () => runCase(one, open), CASE_MS);
      }
    });
  }
}
