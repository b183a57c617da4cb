import { describe, expect, test } from "bun:test";
import { A_SECOND, AT_A_TIME, Pacer } from "../../src/discover/pacer.ts";

/** Work that ends when the test says so. */
class Works {
  readonly started: string[] = [];
  private readonly ends: (() => void)[] = [];

  begin(pacer: Pacer, name: string, urgency: "soon" | "sweep" = "sweep"): Promise<void> {
    return pacer.run(urgency, () => {
      this.started.push(name);
      return new Promise<void>((resolve) => this.ends.push(resolve));
    });
  }

  end(): void {
    for (const end of this.ends.splice(0)) end();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Pacer", () => {
  test("has no more at a time than AT_A_TIME", async () => {
    let nowMs = 0;
    const works = new Works();
    const pacer = new Pacer(() => (nowMs += 1_000)); // as many a second as there are
    const all = Array.from({ length: 3 * AT_A_TIME }, (_, index) => works.begin(pacer, String(index)));
    let most = 0;
    for (let ended = 0; ended < all.length;) {
      await turn();
      const running = works.started.length - ended;
      most = Math.max(most, running);
      ended += running;
      works.end();
      await Bun.sleep(2); // its timer
    }
    await Promise.all(all);
    expect([works.started.length, most <= AT_A_TIME]).toEqual([all.length, true]);
  });

  test("starts no more than A_SECOND in a second", async () => {
    let nowMs = 0;
    const pacer = new Pacer(() => nowMs);
    const started: number[] = [];
    const wanted = A_SECOND / 10;
    const all = Array.from({ length: wanted }, (_, at) => pacer.run("sweep", async () => void started.push(at)));
    await turn();
    const atOnce = started.length;
    expect(atOnce).toBeLessThanOrEqual(10);
    while (started.length < wanted) {
      nowMs += 2;
      await Bun.sleep(1);
      expect(started.length).toBeLessThanOrEqual(atOnce + (nowMs * A_SECOND) / 1_000);
    }
    await Promise.all(all);
  });

  test("starts what is to be soon before a sweep that waits", async () => {
    let nowMs = 0;
    const pacer = new Pacer(() => nowMs);
    const works = new Works();
    const all = Array.from({ length: 20 }, (_, index) => works.begin(pacer, `sweep ${index}`));
    all.push(works.begin(pacer, "soon", "soon"));
    await turn();
    const before = works.started.length;
    nowMs += 2;
    while (works.started.length === before) await Bun.sleep(1);
    expect(works.started[before]).toBe("soon");
    while (works.started.length < all.length) {
      nowMs += 2;
      await Bun.sleep(1);
    }
    works.end();
    await Promise.all(all);
  });

  test("goes on after work that failed", async () => {
    const pacer = new Pacer();
    expect(pacer.run("soon", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await pacer.run("soon", async () => 1)).toBe(1);
  });
});
