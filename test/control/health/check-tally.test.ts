import { expect, test } from "bun:test";
import { CheckTally } from "../../../src/control/health/check-tally.ts";

test("CheckTally counts failed probes, ways out of service and the time out of it", () => {
  const tally = new CheckTally();
  expect(tally.view(0)).toEqual({ failed: 0, downs: 0, downSeconds: 0, lastMs: null });
  tally.probed(true, 3);
  tally.became("up", 1_000);
  tally.probed(false, 2_000);
  tally.became("not-ready", 5_000);
  tally.became("dead", 8_000);
  expect(tally.view(15_000)).toEqual({ failed: 1, downs: 1, downSeconds: 10, lastMs: 2_000 });
  tally.became("up", 20_000);
  tally.became("dead", 30_000);
  expect(tally.view(31_000)).toEqual({ failed: 1, downs: 2, downSeconds: 16, lastMs: 2_000 });
});
