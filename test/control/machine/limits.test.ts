import { describe, expect, test } from "bun:test";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import { DescriptorWatch, fewDescriptors } from "../../../src/control/machine/limits.ts";

/** Keeps what is logged. */
function kept(): EventLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const say = (_: string, message: string): void => void lines.push(message);
  return { lines, info: say, warn: say, error: say };
}

/** Resolves once the watch has looked `looks` more times; each look asks `used` once. */
function counter(): { used: () => number; set(value: number): void; looked(looks: number): Promise<void> } {
  let value = 0;
  let looks = 0;
  let wanted = { at: Infinity, resolve: (): void => {} };
  return {
    used() {
      looks += 1;
      if (looks >= wanted.at) queueMicrotask(wanted.resolve);
      return value;
    },
    set: (next) => (value = next),
    looked: (more) => new Promise((resolve) => (wanted = { at: looks + more, resolve })),
  };
}

describe("fewDescriptors()", () => {
  test.each([
    [
      0,
      200,
      "max-connections is 1, since this process may have only 200 descriptors; raise LimitNOFILE (or ulimit -n)",
    ],
    [
      5_000,
      1_024,
      "max-connections is 5000, and the 1024 descriptors of this process suffice for 206; raise LimitNOFILE (or ulimit -n)",
    ],
    [0, 1_024, null],
    [10, 1_024, null],
    [0, 65_536, null],
  ])("of max-connections %d and %d descriptors", (wanted, descriptors, text) => {
    expect(fewDescriptors(wanted, descriptors)).toBe(text);
  });
});

describe("DescriptorWatch", () => {
  test("tells of a shortage every 5 s at most, and of its end", async () => {
    const log = kept();
    const descriptors = counter();
    let now = 0;
    const watch = new DescriptorWatch({ log, descriptors: 200, used: descriptors.used, now: () => now, everyMs: 1 });
    watch.start();
    await descriptors.looked(2);
    expect(log.lines).toEqual([]);
    descriptors.set(190);
    await descriptors.looked(5);
    const told = "descriptors are short: 190 of 200 in use; raise LimitNOFILE (or ulimit -n)";
    expect(log.lines).toEqual([told]);
    expect(watch.shortages).toBeGreaterThanOrEqual(4);
    now = 5_000;
    await descriptors.looked(2);
    expect(log.lines).toEqual([told, told]);
    descriptors.set(20);
    await descriptors.looked(3);
    expect(log.lines).toEqual([told, told, "descriptors suffice again"]);
    watch.stop();
  });

  test("counts what this process has open", async () => {
    const log = kept();
    const watch = new DescriptorWatch({ log, descriptors: 1, everyMs: 1 });
    watch.start();
    while (log.lines.length === 0) await Bun.sleep(1);
    watch.stop();
    expect(log.lines[0]).toMatch(/^descriptors are short: \d+ of 1 in use/);
  });
});
