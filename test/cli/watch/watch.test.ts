import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watch } from "../../../src/cli/watch/watch.ts";
import { bytesText, countText } from "../../../src/cli/watch/rows.ts";
import { drawing, screenLines, type Size } from "../../../src/cli/watch/screen.ts";
import { FIRST_STATE, press, splitKeys, type WatchState } from "../../../src/cli/watch/state.ts";
import type { Terminal } from "../../../src/cli/watch/terminal.ts";
import { openControlSocket, type ControlSocket } from "../../../src/control/api/control-socket.ts";
import type { Status } from "../../../src/control/status/report.ts";
import { sampleStatus } from "../../admin/status-sample.ts";
import { silentIo } from "../running.ts";

const SIZE: Size = { columns: 80, rows: 24 };

function screen(view: Partial<WatchState> = {}, status: Status = sampleStatus(), size: Size = SIZE): readonly string[] {
  const shown = { status, view: { ...FIRST_STATE, ...view }, trouble: null, time: "12:00:00" };
  return screenLines(shown, size).map(({ text }) => text);
}

/** The sample's cluster under many names; the busiest is the last. */
function many(count: number): Status {
  const sample = sampleStatus();
  const [cluster] = sample.clusters;
  if (cluster === undefined) throw new Error("no cluster in the sample");
  const clusters = Array.from({ length: count }, (_, at) => ({
    ...cluster,
    name: `c${String(at).padStart(3, "0")}`,
    domain: null,
    active: at,
    rates: { connections: at, bytesUp: 0, bytesDown: 0 },
  }));
  return { ...sample, clusters };
}

describe("screenLines()", () => {
  test("shows instance, clusters, nodes, rates and unknown names", () => {
    const text = screen().join("\n");
    expect(text).toContain("edge-lb 0.1.0  linux, 2 workers  up 1h 0m  1 of 4950 connections  12:00:00");
    expect(text).toContain("0.5/s  up 10B/s  down 200B/s  api :6443 1  https :443 0");
    expect(text).toMatch(/^hub +0\/s +up +9s +1 +42 {2}up 0 down 0\n! the ingress certificate expires on 2026-12-24$/m);
    expect(text).toMatch(/^ {2}192\.168\.125\.20 +api +up +9s +1 +40 {2}\/readyz 200$/m);
    expect(text).toMatch(/^! worker-1\.lab +api +dead +9s +0 +2 {2}connection refused$/m);
    expect(text).toMatch(/^x\.y +https +3 {2}10\.0\.0\.9 +-$/m);
  });

  test.each([
    [80, 24],
    [40, 10],
    [200, 60],
    [80, 5],
    [10, 2],
    [1, 1],
  ])("fills %d columns and %d rows, and no more", (columns, rows) => {
    for (const status of [sampleStatus(), many(100), sampleStatus({ clusters: [] })]) {
      for (const help of [false, true]) {
        const lines = screen({ help }, status, { columns, rows });
        expect(lines.length).toBe(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }
    }
  });

  test("shows nothing that a stranger's name could do to a terminal", () => {
    const [unknown] = sampleStatus().unknownNames;
    if (unknown === undefined) throw new Error("no unknown name in the sample");
    const status = sampleStatus({ unknownNames: [{ ...unknown, name: "a\u001b[2Jb\u009bü\n" }] });
    const text = screen({}, status).join("\n");
    expect(text).toContain("a?[2Jb???");
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test("filters clusters, nodes and unknown names", () => {
    expect(screen({ filter: "dead" }).join("\n")).toMatch(/hub[^]*worker-1/);
    expect(screen({ filter: "dead" }).join("\n")).not.toContain("192.168.125.20");
    expect(screen({ filter: "zzz" }).join("\n")).toContain("nothing matches the filter");
    expect(screen({ filter: "zzz" }).at(-1)).toContain("filter: zzz");
  });

  test("sorts, folds nodes away and scrolls, and says how much is hidden", () => {
    const first = (view: Partial<WatchState>): string | undefined => screen(view, many(100))[3]?.split(" ")[0];
    expect(first({})).toBe("c000");
    expect(first({ sort: "rate" })).toBe("c099");
    expect(first({ sort: "open" })).toBe("c099");
    expect(first({ nodes: false, top: 20 })).toBe("c010");
    expect(screen({ nodes: false, top: 20 }, many(100)).at(-1)).toContain("(20 above, 162 below)");
    expect(screen({ top: 9_999 }, many(100)).at(-1)).toContain(" 0 below)");
  });
});

describe("press()", () => {
  const after = (keys: string): WatchState =>
    splitKeys(keys).reduce((state, key) => press(state, key, 10, 50), FIRST_STATE);

  test.each<[string, Partial<WatchState>]>([
    ["q", { done: true }],
    ["\u0003", { done: true }],
    ["/q\u0003", { done: true }],
    ["s", { sort: "state" }],
    ["ssss", { sort: "name" }],
    ["n", { nodes: false }],
    ["jjk", { top: 1 }],
    ["\u001b[B\u001b[B\u001b[A", { top: 1 }],
    ["\u001b[6~", { top: 10 }],
    [" ".repeat(20), { top: 50 }],
    [`${" ".repeat(20)}k`, { top: 49 }],
    ["  g", { top: 0 }],
    ["k", { top: 0 }],
    ["/HuB\u007f\r", { filter: "hu", typing: false }],
    ["/hub\u001b", { filter: "", typing: false }],
    ["/hub\r\u001b", { filter: "" }],
    ["?", { help: true }],
    ["?x", { help: false, done: false }],
    ["?q", { done: true }],
    ["\u001b[15~ü", {}],
  ])("%j", (keys, want) => expect(after(keys)).toMatchObject(want));
});

describe("drawing()", () => {
  const lines = [
    { text: "up", tone: "good" },
    { text: "down", tone: "bad" },
    { text: "x", tone: "plain" },
  ] as const;

  test("draws over what was there", () => {
    expect(drawing(lines, true)).toBe(
      "\u001b[H\u001b[32mup\u001b[0m\u001b[K\r\n\u001b[31mdown\u001b[0m\u001b[K\r\nx\u001b[K\u001b[J",
    );
  });

  test("without colour", () => expect(drawing(lines, false)).not.toMatch(/\[3\dm/));
});

describe("countText() and bytesText()", () => {
  test.each([
    [0, "0"],
    [9_999, "9999"],
    [10_000, "10.0k"],
    [123_456, "123k"],
    [12_345_678, "12.3M"],
    [1e18, "1000000T"],
  ])("%d", (count, want) => {
    expect(countText(count)).toBe(want);
    expect(bytesText(count)).toBe(`${want}B`);
  });
});

describe("watch()", () => {
  interface Watching {
    readonly code: Promise<number>;
    /** The first write that the pattern is found in. */
    written(pattern: RegExp): Promise<string>;
    keys(text: string): void;
    end(): void;
    /** The instance that answered ends. */
    gone(): void;
    /** Another one in its place. */
    back(): Promise<void>;
  }

  async function watching<T>(isTerminal: boolean, json: boolean, use: (it: Watching) => Promise<T>): Promise<T> {
    const folder = mkdtempSync(join(tmpdir(), "edge-lb-watch-"));
    const serve = async (): Promise<ControlSocket> => {
      const opened = await openControlSocket(join(folder, "s"));
      opened.serve(async (request) => Response.json(new URL(request.url).pathname === "/v1/" ? {} : sampleStatus()));
      return opened;
    };
    let socket = await serve();
    let handlers: Parameters<Terminal["open"]>[0] | null = null;
    let closed = 0;
    const waiting = new Set<{ readonly pattern: RegExp; readonly resolve: (text: string) => void }>();
    const terminal: Terminal = {
      size: () => SIZE,
      write(text) {
        for (const each of waiting) {
          if (!each.pattern.test(text)) continue;
          waiting.delete(each);
          each.resolve(text);
        }
      },
      open: (given) => void (handlers = given),
      close: () => void closed++,
    };
    const io = silentIo({ env: { NO_COLOR: "1" }, isTerminal });
    try {
      const code = watch(json, [{ flag: "control", text: join(folder, "s") }], io, terminal);
      const result = await use({
        code,
        written: (pattern) => new Promise((resolve) => waiting.add({ pattern, resolve })),
        keys: (text) => handlers?.onKeys(text),
        end: () => handlers?.onEnd(),
        gone: () => socket.close(),
        back: async () => {
          socket = await serve();
        },
      });
      expect(closed).toBe(1);
      return result;
    } finally {
      socket.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("draws, answers keys at once, and ends with q", () =>
    watching(true, false, async (it) => {
      expect(await it.written(/worker-1/)).toStartWith("\u001b[H");
      const help = it.written(/any key goes back/);
      it.keys("?");
      await help;
      const again = it.written(/sort: state/);
      it.keys("xs");
      await again;
      it.keys("q");
      expect(await it.code).toBe(0);
    }));

  test("finds the instance again after its restart", () =>
    watching(true, false, async (it) => {
      await it.written(/worker-1/);
      const trouble = it.written(/no answer, still trying/);
      it.gone();
      expect(await trouble).toContain("worker-1");
      await it.back();
      expect(await it.written(/0\.5\/s {2}up 10B\/s/)).toContain("worker-1");
      it.end();
      expect(await it.code).toBe(0);
    }));

  test("that is no terminal prints tables until it is told to end", () =>
    watching(false, false, async (it) => {
      expect(await it.written(/UNKNOWN ON/)).toMatch(/^\d{4}-[^]*\nedge-lb 0\.1\.0, pid 4711/);
      it.end();
      expect(await it.code).toBe(0);
    }));

  test("prints one line of JSON a second", () =>
    watching(true, true, async (it) => {
      const text = await it.written(/./);
      expect([JSON.parse(text).pid, text.split("\n").length]).toEqual([4_711, 2]);
      await it.written(/./);
      it.end();
      expect(await it.code).toBe(0);
    }));
});
