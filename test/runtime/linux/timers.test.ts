import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { TimerNode, TimerWheel } from "../../../src/runtime/linux/timers.ts";

class Probe extends TimerNode {
  readonly fired: number[] = [];
  now = (): number => 0;
  after: () => void = () => {};

  fire(): void {
    this.fired.push(this.now());
    this.after();
  }
}

/** Moves the wheel on, as a loop does: it sleeps as long as the wheel says and looks again. */
function sleepUntil(wheel: TimerWheel, clock: { now: number }, end: number): number {
  let wakes = 0;
  while (clock.now < end) {
    const wait = wheel.waitMs(clock.now);
    clock.now = wait < 0 ? end : Math.min(end, clock.now + Math.max(wait, 0));
    wheel.advance(clock.now);
    wakes++;
  }
  return wakes;
}

describe("TimerWheel", () => {
  test("fires each timer once, never early and at once when due", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        fc.array(fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(40_000_000)), { maxLength: 40 }),
        (start, delays) => {
          const clock = { now: start };
          const wheel = new TimerWheel(start);
          const probes = delays.map((delay) => {
            const probe = new Probe();
            probe.now = () => clock.now;
            wheel.add(probe, start + delay);
            return probe;
          });
          sleepUntil(wheel, clock, start + 40_000_010);
          probes.forEach((probe, i) => {
            expect(probe.fired).toHaveLength(1);
            const late = (probe.fired[0] ?? 0) - (start + (delays[i] ?? 0));
            expect(late).toBeGreaterThanOrEqual(0);
            expect(late).toBeLessThanOrEqual(2.1);
          });
          expect(wheel.waitMs(clock.now)).toBe(-1);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("agrees with a sorted list under adding, moving, cancelling and long jumps", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), which: fc.nat(9), delay: fc.nat(100_000) }),
      fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(9), delay: fc.constant(0) }),
      fc.record({ kind: fc.constant("jump" as const), which: fc.constant(0), delay: fc.nat(70_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const wheel = new TimerWheel(0);
        const probes = Array.from({ length: 10 }, () => new Probe());
        const due = new Map<number, number>();
        let now = 0;
        let expected = 0;
        for (const { kind, which, delay } of steps) {
          if (kind === "add") {
            wheel.add(probes[which]!, now + delay);
            due.set(which, Math.max(now + delay, now + 1));
          } else if (kind === "cancel") {
            wheel.remove(probes[which]!);
            due.delete(which);
          } else {
            now += delay;
            wheel.advance(now);
            for (const [key, at] of due) if (at <= now && due.delete(key)) expected++;
          }
          expect(probes.reduce((sum, { fired }) => sum + fired.length, 0)).toBe(expected);
        }
        wheel.advance(now + 200_000);
        expect(probes.reduce((sum, { fired }) => sum + fired.length, 0)).toBe(expected + due.size);
      }),
      { numRuns: 200 },
    );
  });

  test("sleeps through the hours of a thousand day-long timers", () => {
    const clock = { now: 123.4 };
    const wheel = new TimerWheel(clock.now);
    for (let i = 0; i < 1_000; i++) wheel.add(new Probe(), clock.now + 86_400_000 + i * 7);
    expect(sleepUntil(wheel, clock, clock.now + 80_000_000)).toBeLessThan(200);
  });

  test("keeps a timer beyond its reach", () => {
    const clock = { now: 0 };
    const wheel = new TimerWheel(0);
    const probe = new Probe();
    const far = 32 ** 6 * 2.5;
    wheel.add(probe, far);
    sleepUntil(wheel, clock, far - 1);
    expect(probe.fired).toEqual([]);
    sleepUntil(wheel, clock, far + 1);
    expect(probe.fired).toHaveLength(1);
  });

  test("may be changed by what fires", () => {
    const wheel = new TimerWheel(0);
    const [first, second, third] = [new Probe(), new Probe(), new Probe()];
    first.after = () => {
      wheel.remove(second);
      wheel.add(third, 0);
    };
    wheel.add(second, 5);
    wheel.add(first, 5); // the later one of a slot fires first
    wheel.advance(5);
    expect([first, second, third].map(({ fired }) => fired.length)).toEqual([1, 0, 0]);
    wheel.advance(6);
    expect(third.fired).toHaveLength(1);
  });
});
