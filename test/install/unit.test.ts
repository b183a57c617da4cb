import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { UNIT_NAME, unitText } from "../../src/install/unit.ts";

let folder: string;
let unit: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-unit-"));
  unit = join(folder, UNIT_NAME);
  writeFileSync(unit, unitText({ binary: process.execPath, config: "/etc/edge-lb.yaml" })); // any program that is there
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("unitText()", () => {
  test("is a unit without a mistake", async () => {
    expect(await command(["systemd-analyze", "verify", unit])).toMatchObject({ code: 0, out: "", err: "" });
  });

  test("is exposed by at most 2.0", async () => {
    const { code, out } = await command(["systemd-analyze", "security", "--offline=yes", "--threshold=20", unit]);
    expect(code).toBe(0);
    expect(Number(/exposure level for edge-lb.service: ([\d.]+)/.exec(out)?.[1])).toBeLessThanOrEqual(2);
  });
});
