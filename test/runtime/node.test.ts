import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodeRuntime } from "../../src/runtime/node.ts";
import { conformance } from "./conformance.ts";
import { loopbackHarness } from "./loopback.ts";

conformance("node in Bun", () => loopbackHarness(createNodeRuntime), {
  "fails as unreachable where no route leads": "Bun reports it as refused: oven-sh/bun#37093",
});

const DENO = join(import.meta.dir, "../../node_modules/.bin/deno");
const DRIVER_MS = 120_000;

/** `node:net` inside Bun is not Node's, nor is Deno's: there the suite runs from a bundle. */
describe("createNodeRuntime()", () => {
  test.each([
    { host: "Node", command: ["node"] },
    { host: "Deno", command: [DENO, "run", "--allow-all", "--no-lock"] },
  ])(
    "passes the suite under $host",
    async ({ command }) => {
      const directory = mkdtempSync(join(tmpdir(), "edge-lb-driver-"));
      try {
        const entrypoint = join(import.meta.dir, "driver.ts");
        await Bun.build({ entrypoints: [entrypoint], target: "node", outdir: directory, naming: "driver.mjs" });
        const driver = Bun.spawn([...command, join(directory, "driver.mjs")], { stdout: "pipe", stderr: "pipe" });
        const [output, complaints, code] = await Promise.all([
          new Response(driver.stdout).text(),
          new Response(driver.stderr).text(),
          driver.exited,
        ]);
        expect(complaints).toBe("");
        expect(output).toMatch(/^(\d+) of \1 passed\n$/);
        expect(code).toBe(0);
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
    DRIVER_MS,
  );
});
