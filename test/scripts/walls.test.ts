import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { readRooms, roomless, wallsOf } from "../../scripts/walls.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Files with one import each, `PATH: IMPORT`, and whether lint refuses it. */
const ARROWS: readonly { from: string; code: string; refused: boolean }[] = [
  { from: "src/core/a.ts", code: `import { x } from "../seam/b.ts";`, refused: true },
  { from: "src/core/b.ts", code: `import type { X } from "../seam/b.ts";`, refused: false },
  { from: "src/core/c.ts", code: `import type { X } from "../errors.ts";`, refused: true },
  { from: "src/core/tls/a.ts", code: `import { x } from "../address.ts";`, refused: false },
  { from: "src/core/tls/b.ts", code: `import type { X } from "../../control/run-edge-lb.ts";`, refused: true },
  { from: "src/core/tls/c.ts", code: `import { x } from "node:fs";`, refused: true },
  { from: "src/core/tls/d.ts", code: `import type { X } from "cac";`, refused: true },
  { from: "src/seam/a.ts", code: `import type { X } from "../core/address.ts";`, refused: true },
  { from: "src/runtime/a.ts", code: `import { x } from "../config/model.ts";`, refused: true },
  { from: "src/runtime/linux/a.ts", code: `import type { X } from "../../data/dial.ts";`, refused: true },
  { from: "src/runtime/linux/b.ts", code: `import { x } from "../port.ts";`, refused: false },
  { from: "src/data/a.ts", code: `import type { X } from "../control/run-edge-lb.ts";`, refused: true },
  { from: "src/data/b.ts", code: `import type { X } from "../runtime/port.ts";`, refused: false },
  { from: "src/data/c.ts", code: `import { x } from "../runtime/port.ts";`, refused: true },
  { from: "src/data/worker.ts", code: `import { x } from "../runtime/linux/runtime.ts";`, refused: false },
  { from: "src/config/a.ts", code: `import type { X } from "../control/run-edge-lb.ts";`, refused: true },
  { from: "src/admin/a.ts", code: `import { x } from "../config/model.ts";`, refused: true },
  { from: "src/migrate/plan/a.ts", code: `import type { X } from "../report/b.ts";`, refused: true },
  { from: "src/migrate/verify/a.ts", code: `import { x } from "../plan/b.ts";`, refused: false },
  { from: "src/check-live/a.ts", code: `import type { X } from "../cli/terminal/io.ts";`, refused: true },
  { from: "src/control/run-edge-lb.ts", code: `import { x } from "../check-live/findings.ts";`, refused: true },
  { from: "src/control/health/a.ts", code: `import type { X } from "../serve/b.ts";`, refused: true },
  { from: "src/control/health/b.ts", code: `import { x } from "../probe/b.ts";`, refused: false },
  { from: "src/control/health/c.ts", code: `import { x } from "../log/b.ts";`, refused: true },
  { from: "src/control/serve/a.ts", code: `const x = import("../../data/b.ts");`, refused: true },
  { from: "src/dns/a.ts", code: `import { x } from "../control/run-edge-lb.ts";`, refused: true },
  { from: "scripts/a.ts", code: `import { x } from "../test/b.ts";`, refused: true },
];

describe("walls of .oxlintrc.json", () => {
  const folder = mkdtempSync(`${tmpdir()}/edge-lb-walls-`);
  afterAll(() => rmSync(folder, { recursive: true }));
  copyFileSync(`${ROOT}.oxlintrc.json`, `${folder}/.oxlintrc.json`);
  for (const { from, code } of ARROWS) {
    mkdirSync(dirname(`${folder}/${from}`), { recursive: true });
    writeFileSync(`${folder}/${from}`, `${code}\n`);
  }
  const { stdout } = Bun.spawnSync([`${ROOT}node_modules/.bin/oxlint`, "-f", "unix"], { cwd: folder });
  const refusals = stdout
    .toString()
    .split("\n")
    .filter((line) => line.includes("(no-restricted-imports)"));

  test.each(ARROWS)("$from: $code refused: $refused", ({ from, refused }) => {
    expect(refusals.some((line) => line.startsWith(`${from}:`))).toBe(refused);
  });
});

describe("readRooms()", () => {
  const table = [
    "| room | what | imports | only types of |",
    "| `src/main.ts` | all | everything | |",
    "| `src/core` | pure | | `seam` |",
    "| `src/control` | runs | `core`, `packages` | |",
    "| `src/control/api` | answers | `log` | |",
  ].join("\n");

  test("reads a row a room; a folder of a room also has what its room has", () => {
    expect(readRooms(table)).toEqual([
      { path: "main.ts", imports: [], types: [] },
      { path: "core", imports: [], types: ["seam"] },
      { path: "control", imports: ["core", "packages"], types: [] },
      { path: "control/api", imports: ["core", "packages", "log"], types: [] },
    ]);
  });

  test("wallsOf() leaves main.ts without one", () => {
    const files = wallsOf(readRooms(table)).flatMap((wall) => wall.files);
    expect(files).toEqual(["src/core/*.ts", "src/core/*/*.ts", "src/control/*.ts", "src/control/api/*.ts"]);
  });

  test("roomless() names what has no row", () => {
    const folders = ["core", "core/tls", "control", "control/api", "control/log", "odd"];
    expect(roomless(readRooms(table), folders)).toEqual(["control/log", "odd"]);
  });
});
