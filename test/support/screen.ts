/** A terminal for a test: programs that draw, and shells with a person's keys. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";

export interface Screen {
  /** What is on it, once the pattern is there. */
  shows(pattern: RegExp): Promise<string>;
  /** The same with its colours, as SGR sequences. */
  coloured(): Promise<string>;
  keys(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
}

/** A terminal of 80x24 in a multiplexer of its own, gone afterwards. */
export async function withScreen(line: string, use: (screen: Screen) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-screen-"));
  const socket = join(folder, "tmux"); // one server each: the last one may not be gone yet
  const tmux = (...args: readonly string[]) => command(["tmux", "-S", socket, "-f", "/dev/null", ...args]);
  const started = await tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "edge", "sh");
  if (started.code !== 0) throw new Error(`Cannot start tmux: ${started.err}`);
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
      coloured: async () => (await tmux("capture-pane", "-p", "-e")).out,
      keys: async (...keys) => void (await tmux("send-keys", ...keys)),
      resize: async (columns, rows) => void (await tmux("resize-window", "-x", String(columns), "-y", String(rows))),
    });
  } finally {
    await tmux("kill-server");
    rmSync(folder, { recursive: true, force: true });
  }
}
