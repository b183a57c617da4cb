import assert from "node:assert/strict";
import type { Harness } from "./harness.ts";
import type { Case } from "./recorder.ts";

/** Runs one case in a runtime of its own; faults that the case did not ask for fail it. */
export async function runCase(one: Case, open: () => Promise<Harness>): Promise<void> {
  const harness = await open();
  const faults: unknown[] = [];
  harness.runtime.onFault((error) => faults.push(error));
  try {
    await one.run(harness);
    assert.deepEqual(faults, [], "no unexpected fault");
  } finally {
    await harness.close();
  }
}
