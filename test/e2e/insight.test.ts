/** What people and programs see of a running edge-lb: the live view in a terminal. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { command } from "../support/command.ts";
import { edgeLbArgv } from "../support/edge-lb.ts";
import { type Lab, startLab } from "../support/lab.ts";
import { freePorts } from "../support/ports.ts";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

let folder: string;
let lab: Lab;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-insight-"));
  const probing = ["--interval", "200ms", "--fall", "1"];
  lab = await startLab({ block: "127.92.0", args: ["--control", join(folder, "control"), ...probing] });
  await lab.edge.logged(/managed2/);
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Screen {
  /** What is on it, once the pattern is there. */
  shows(pattern: RegExp): Promise<string>;
  keys(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
}

/** A terminal of 80x24 in a multiplexer of its own, gone afterwards. */
async function withScreen(line: string, use: (screen: Screen) => Promise<void>): Promise<void> {
  const tmux = (...args: readonly string[]) =>
    command(["tmux", "-S", join(folder, "tmux"), "-f", "/dev/null", ...args]);
  const started = await tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "edge", "sh");
  expect(started).toMatchObject({ code: 0 });
  await tmux("send-keys", "-l", `${line}\n`);
  try {
    await use({
      async shows(pattern) {
        const endMs = performance.now() + 20_000;
        for (;;) {
          const { out } = await tmux("capture-pane", "-p");
          if (pattern.test(out)) return out;
          if (performance.now() > endMs) throw new Error(`Waited for ${pattern}:\n${out}`);
          await Bun.sleep(50);
        }
      },
      keys: async (...keys) => void (await tmux("send-keys", ...keys)),
      resize: async (columns, rows) => void (await tmux("resize-window", "-x", String(columns), "-y", String(rows))),
    });
  } finally {
    await tmux("kill-server");
  }
}

describe("status --watch", () => {
  const line = (...before: readonly string[]): string =>
    [...before, ...edgeLbArgv(), "status", "--watch", "--control", join(folder, "control")].join(" ");

  test("shows the lab at 80x24, follows it, its keys and the terminal's size, and leaves the terminal as it was", () =>
    withScreen(line("echo before;"), async (screen) => {
      const first = await screen.shows(/managed2.*\n(?:.*\n)* {2}127\.92\.0\.42 .* up /);
      expect(first.trimEnd().split("\n").length).toBe(24);
      expect(first).not.toContain("before");
      if (process.env["EDGE_LB_CAPTURE"] !== undefined) await Bun.write(process.env["EDGE_LB_CAPTURE"], first);

      await lab.clusters.managed1.nodes[0]?.behave("refused");
      await screen.shows(/! 127\.92\.0\.30 .* down /);
      await screen.keys("s");
      expect(await screen.shows(/sort: state/)).toMatch(/TOTAL.*\nmanaged1 .*\n! 127\.92\.0\.30 /);
      await lab.clusters.managed1.nodes[0]?.behave("healthy");

      await screen.keys("/", "h", "u", "b", "Enter");
      expect(await screen.shows(/filter: hub/)).not.toContain("managed");
      await screen.resize(120, 12);
      await screen.shows(/^(?:.*\n){11}s sort: .*filter: hub/);
      await screen.keys("q");
      expect(await screen.shows(/before/)).not.toContain("q quit");
    }));

  test("counts names that nobody serves, without colour where that is wanted", () =>
    withScreen(line("env NO_COLOR=1"), async (screen) => {
      const url = `http://stranger.example:${lab.ports.http}/`;
      await command(["curl", "--silent", "--resolve", `stranger.example:${lab.ports.http}:127.0.0.1`, url]);
      await screen.shows(/stranger\.example +http +1 /);
      await screen.keys("C-c");
      await screen.shows(/^(?:(?!q quit)[^])*$/);
    }));
});
