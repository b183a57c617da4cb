/** `tail` and `certs` of an edge-lb that serves a lab; its own access log is off. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgeLbArgv, runEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";

let folder: string;
let lab: Lab;
let control: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-tail-"));
  control = join(folder, "c");
  lab = await startLab({
    block: "127.93.0",
    args: ["--control", control, "--access-log", "off", "--interval", "300ms"],
  });
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs tail until it has shown the pattern. */
async function tailUntil(args: readonly string[], act: () => Promise<unknown>, pattern: RegExp): Promise<string> {
  const child = Bun.spawn([...edgeLbArgv(), "tail", "--control", control, ...args], { stdout: "pipe", stderr: "pipe" });
  try {
    let text = "";
    const endMs = performance.now() + 20_000;
    const acting = setInterval(() => void act().catch(() => undefined), 200); // until tail has connected and shown one
    try {
      for await (const chunk of child.stdout as AsyncIterable<Uint8Array>) {
        text += new TextDecoder().decode(chunk);
        if (pattern.test(text)) return text;
        if (performance.now() > endMs) break;
      }
    } finally {
      clearInterval(acting);
    }
    throw new Error(`tail showed no ${pattern}: ${text} ${await new Response(child.stderr).text()}`);
  } finally {
    child.kill();
    await child.exited;
  }
}

function get(host: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${lab.ports.http}/version?q`, { headers: { host }, keepalive: false });
}

describe("tail", () => {
  test("shows connections as the log would have them, of one cluster, name or kind", async () => {
    const line = await tailUntil(
      [],
      () => get("a.apps.hub-cluster.linuxera.lab"),
      /a\.apps\.hub-cluster\.linuxera\.lab.*version.*\n/, // of a request that began before anybody asked the path is not kept
    );
    expect(line).toMatch(
      /^\S+Z http a\.apps\.hub-cluster\.linuxera\.lab \S+ > hub \S+ "GET \/version\?q" 200 up=\d+ down=\d+ dial=\S+ total=\S+ done$/m,
    );
    const both = (): Promise<unknown> => Promise.all([get("a.apps.hub-cluster.linuxera.lab"), get("nobody.example")]);
    const failed = await tailUntil(["--failed", "--json"], both, /nobody.*\n/);
    const shown = failed
      .trimEnd()
      .split("\n")
      .map((each) => JSON.parse(each) as { name?: string });
    expect(shown.every(({ name }) => name === "nobody.example")).toBe(true);
    const named = await tailUntil(["--name", "*.example"], both, /nobody.*\n/);
    expect(named).not.toContain("hub-cluster");
  }, 60_000);

  test("says when nothing runs", async () => {
    expect(await runEdgeLb(["tail", "--control", join(folder, "none")])).toMatchObject({ code: 1 });
  });
});

describe("certs", () => {
  test("names every node's certificate", async () => {
    const endMs = performance.now() + 20_000;
    for (;;) {
      const { code, out } = await runEdgeLb(["certs", "--control", control]);
      if (
        code === 0 &&
        /^hub +api .*d +.*api\.hub-cluster/m.test(out) &&
        /^hub +ingress .*\*\.apps\.hub-cluster\.linuxera\.lab/m.test(out)
      )
        break;
      if (performance.now() > endMs) throw new Error(out);
      await Bun.sleep(200);
    }
  });
});
