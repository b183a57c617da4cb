/** Started as root in a directory that somebody else can write to: nothing in it is even opened. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { command } from "../../scripts/lab/command.ts";
import { runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { type OpenedFiles, watchOpens } from "../support/opened-files.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

let cwd: string;
let opened: OpenedFiles;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "edge-lb-hostile-"));
  const plant = (name: string, text: string): void => writeFileSync(join(cwd, name), text);
  plant("planted.ts", `require("node:fs").writeFileSync(${JSON.stringify(join(cwd, "it-ran"))}, "");\n`);
  plant("bunfig.toml", `preload = ["./planted.ts"]\n`);
  plant(".env", "EDGE_LB_ADMIN_AUTH=evil:evil\n");
  plant("package.json", `{ "name": "planted" }\n`);
  plant("tsconfig.json", "{}\n");
  opened = watchOpens(cwd);
});
afterAll(() => {
  opened.close();
  rmSync(cwd, { recursive: true, force: true });
});

describe("a binary in a hostile directory", () => {
  test("runs no code from it and opens no file in it", async () => {
    const [port] = await freePorts(1);
    const off = ["--listen", "https=off", "--listen", "http=off"];
    const args = ["--cluster", "one=127.29.0.1", "--listen", `api=127.0.0.1:${port}`, ...off];
    expect((await runEdgeLb(["check", ...args], { cwd, program: "binary" })).code).toBe(0);
    const edge = await startEdgeLb(args, { cwd, program: "binary" });
    await edge.stop();
    expect(opened.names()).toEqual([]);
    expect(existsSync(join(cwd, "it-ran"))).toBe(false);
  });

  test.each([
    ["BUN_BE_BUN", "1"],
    ["BUN_OPTIONS", "--preload=./planted.ts"],
    ["BUN_INSPECT_PRELOAD", "./planted.ts"],
  ])("is no interpreter, whatever %s says", async (name, value) => {
    const { code, out } = await runEdgeLb(["version"], { cwd, program: "binary", env: { [name]: value } });
    expect([code, out]).toEqual([0, `edge-lb ${manifest.version}\n`]);
    expect(existsSync(join(cwd, "it-ran"))).toBe(false);
  });

  test("would have been caught: Bun itself falls for it", async () => {
    await command([process.execPath, "-e", "0"], { cwd });
    expect(opened.names()).toContain(".env");
    expect(existsSync(join(cwd, "it-ran"))).toBe(true);
  });
});
