/** A worker that ends is replaced on the same sockets: no client loses its connect, until it happens too often. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";

const MAIN = new URL("../support/mortal/main.ts", import.meta.url).pathname;

let folder: string;
let order: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-mortal-"));
  order = join(folder, "die");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const startMortal = (block: string, engine: string): Promise<Lab> =>
  startLab({
    block,
    argv: [process.execPath, MAIN],
    env: { EDGE_LB_TEST_DEATH: order },
    args: ["--engine", engine, "--workers", "2"],
  });

async function carriedOut(): Promise<void> {
  while (existsSync(order)) await Bun.sleep(1);
}

/** What curl says when a request fails; nothing when all is well. */
async function complaint(lab: Lab, listener: "api" | "https" | "http"): Promise<string> {
  const { code, err } = await lab.curl("hub", listener, "/version");
  return code === 0 ? "" : `curl ended with ${code}: ${err}`;
}

/** Ends one worker between two connections and goes on connecting meanwhile. @returns what clients complained about */
async function endOneWorker(lab: Lab, engine: string): Promise<string[]> {
  const before = lab.edge.logs().length;
  const complaints: string[] = [];
  writeFileSync(order, "");
  // a worker of the bun engine dies by itself: only once it has, is a connection not one that it took with it
  if (engine === "bun") await carriedOut();
  for (let n = 0; n < 30 || existsSync(order); n++) {
    complaints.push(await complaint(lab, (["api", "https", "http"] as const)[n % 3] ?? "api"));
  }
  await lab.edge.logged(/worker \d.*ended by the test/, before);
  return complaints.filter((text) => text !== "");
}

const ENGINES = [
  ["linux", "127.25.0"],
  ["bun", "127.25.1"],
] as const;

describe.each(ENGINES)("a worker of the %s engine that ends", (engine, block) => {
  test("is replaced, three times a minute, and no connect is lost; then edge-lb gives up with exit 1", async () => {
    const lab = await startMortal(block, engine);
    try {
      expect(lab.edge.ready["engine"]).toBe(engine);
      for (let death = 0; death < 3; death++) expect(await endOneWorker(lab, engine)).toEqual([]);
      writeFileSync(order, "");
      await complaint(lab, "api");
      expect(await lab.edge.exit()).toBe(1);
      expect(lab.edge.logs()).toContain("WORKERS_FAILED");
    } finally {
      await lab.stop();
    }
  });
});
