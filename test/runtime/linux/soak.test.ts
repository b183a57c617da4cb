import { describe, expect, test } from "bun:test";
import { runSoak } from "../../../scripts/soak/soak.ts";

const TEST_MS = 180_000;

describe("the linux engine under load", () => {
  test.each([
    { way: "a ring", ring: true },
    { way: "plain calls", ring: false },
  ])(
    "loses no byte, no descriptor and no tunnel with $way, with every invariant checked",
    async ({ ring }) => {
      const report = await runSoak({
        shorts: 2_000,
        tunnels: 400,
        passes: 200,
        bulkBytes: 20_000_000,
        bulks: 8,
        secondsPerPart: 40,
        debug: true,
        ring,
        seed: 20_260_801,
      });
      expect(report).toMatchObject({
        wrong: 0,
        incomplete: 0,
        failedDials: 0,
        faults: 0,
        leakedSockets: 0,
        leftOpen: 0,
        examples: [],
      });
      expect(report.connections).toBe(2_608);
      expect(report.pipeDescriptors).toBeLessThanOrEqual(2 * 64);
    },
    TEST_MS,
  );
});
