import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPrograms } from "../../src/check-live/programs.ts";
import { clusterConfig } from "../control/health/bench.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-programs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, "#!/bin/sh\n", { mode });
  return path;
}
const [WELL, PLAIN, NONE] = [file("well", 0o755), file("plain", 0o644), join(folder, "none")];

describe("checkPrograms()", () => {
  test.each([
    ["a program that is there", { wake: WELL }, [["ok", `hub: wake=${WELL} can be run`]]],
    ["one that is missing", { wake: NONE }, [["fail", `hub: wake=${NONE} is not there: nobody wakes it`]]],
    [
      "one that may not be executed",
      { sleep: PLAIN },
      [["fail", `hub: sleep=${PLAIN} may not be executed: nobody puts it to sleep`]],
    ],
    ["a folder", { wake: folder }, [["fail", `hub: wake=${folder} is not there: nobody wakes it`]]],
    [
      "both",
      { wake: WELL, sleep: WELL },
      [
        ["ok", `hub: wake=${WELL} can be run`],
        ["ok", `hub: sleep=${WELL} can be run`],
      ],
    ],
    ["a cluster without programs", {}, []],
  ])("tells of %s", async (_, keys, want) => {
    const found = await checkPrograms({ clusters: [clusterConfig("hub", keys)] });
    expect(found.map(({ grade, text }) => [String(grade), text])).toEqual(want);
  });
});
