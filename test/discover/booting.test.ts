import { describe, expect, test } from "bun:test";
import { Booting } from "../../src/discover/booting.ts";

const machine = (ip: string) => ({ ip, label: null });

/** Asks a machine that stays as it is until nobody wants to know any more. @returns when it was asked, s */
function askedAt(ip: string, endMs: number, first: "arrived" | "keepAsking" = "keepAsking"): readonly number[] {
  let nowMs = 0;
  const booting = new Booting(() => nowMs);
  booting[first](machine(ip), {});
  const times: number[] = [];
  for (; nowMs < endMs; nowMs += 100) {
    for (const { candidate, ports } of booting.takeDue()) {
      times.push(nowMs / 1_000);
      booting.keepAsking(candidate, ports);
    }
  }
  return times;
}

describe("Booting", () => {
  test("asks a machine that has come at once", () => {
    expect(askedAt("10.0.0.1", 1_000, "arrived")).toEqual([0]);
  });

  test("asks again every second at first, and every five when it takes long", () => {
    const times = askedAt("10.0.0.1", 120_000);
    expect(times.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(times.at(-1)! - times.at(-2)!).toBe(5);
  });

  test("asks no more when it was long enough", () => {
    const last = askedAt("10.0.0.1", 3_600_000).at(-1)!;
    expect(last).toBeGreaterThan(890);
    expect(last).toBeLessThan(910);
  });

  test("asks a machine once at a time", () => {
    const booting = new Booting(() => 0);
    booting.arrived(machine("10.0.0.1"), {});
    expect(booting.takeDue().length).toBe(1);
    expect(booting.takeDue().length).toBe(0);
  });

  test("keeps to its bound, however many there are", () => {
    const booting = new Booting(() => 0);
    for (let at = 0; at < 1_000; at++) booting.arrived(machine(`10.0.${at >> 8}.${at & 255}`), {});
    for (let at = 0; at < 1_000; at++) booting.keepAsking(machine(`10.1.${at >> 8}.${at & 255}`), {});
    expect(booting.takeDue().length).toBe(256);
  });

  test("forgets what shows all there is to see, or has left", () => {
    const booting = new Booting(() => 0);
    booting.arrived(machine("10.0.0.1"), {});
    booting.done("10.0.0.1");
    expect(booting.takeDue()).toEqual([]);
  });
});
