import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { clientKey, endpointHash, fmix32 } from "../../../src/core/balance/hash.ts";
import { pick } from "../../../src/core/balance/pick.ts";
import { FULL_WEIGHT, HEALTH, type Health, type HealthView, type HealthWord } from "../../../src/seam/board.ts";
import type { Endpoint, Pool } from "../../../src/seam/snapshot.ts";
import type { Policy } from "../../../src/seam/services.ts";

const POLICIES: readonly Policy[] = ["leastconn", "source", "host", "roundrobin"];
const NONE: ReadonlySet<number> = new Set();
const middle = (): number => 0.5;

function endpoint(cell: number, ip = `10.0.0.${cell}`, port = 443): Endpoint {
  return { cell, at: { ip, port }, hash: endpointHash(ip, port), node: ip };
}
function pool(policy: Policy, endpoints: readonly Endpoint[]): Pool {
  return { cell: 0, policy, idleMs: 0, sendProxy: 0, endpoints };
}
function nodes(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, i) => endpoint(i + 1));
}

interface NodeState {
  readonly health?: HealthWord;
  readonly weight?: number;
  readonly active?: number;
}
/** Health by cell; cells that are not listed are up, idle and at full weight. */
function view(cells: Readonly<Record<number, NodeState>> = {}): HealthView {
  return {
    state: (cell) => HEALTH[cells[cell]?.health ?? "up"],
    weight: (cell) => cells[cell]?.weight ?? FULL_WEIGHT,
    active: (cell) => cells[cell]?.active ?? 0,
  };
}
/** A repeatable source of random numbers. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => fmix32(state++) / 2 ** 32;
}
/** How often each cell is picked. */
function tally(count: number, choose: (key: number) => Endpoint | null): Map<number, number> {
  const counts = new Map<number, number>();
  for (let key = 0; key < count; key++) {
    const cell = choose(key)?.cell ?? -1;
    counts.set(cell, (counts.get(cell) ?? 0) + 1);
  }
  return counts;
}

const RANKS: readonly { states: readonly HealthWord[]; tryWant: readonly number[]; refuseWant: readonly number[] }[] = [
  { states: ["up", "unknown", "not-ready"], tryWant: [1], refuseWant: [1] },
  { states: ["not-ready", "unknown", "up"], tryWant: [3], refuseWant: [3] },
  { states: ["not-ready", "unknown", "dead"], tryWant: [2], refuseWant: [2] },
  { states: ["unknown", "unknown", "dead"], tryWant: [1, 2], refuseWant: [1, 2] },
  { states: ["not-ready", "dead", "not-ready"], tryWant: [1, 3], refuseWant: [] },
  { states: ["dead", "drained", "foreign"], tryWant: [], refuseWant: [] },
  { states: ["drained", "up", "foreign"], tryWant: [2], refuseWant: [2] },
  { states: [], tryWant: [], refuseWant: [] },
];

describe.each([...POLICIES])("pick() by %s", (policy) => {
  for (const { states, tryWant, refuseWant } of RANKS) {
    test.each([
      ["try", tryWant],
      ["refuse", refuseWant],
    ] as const)(`of ${states.join(", ") || "nothing"} with all-down %s takes %p`, (allDown, want) => {
      const cells = Object.fromEntries(states.map((health, i) => [i + 1, { health }]));
      const some = pool(policy, nodes(states.length));
      const random = seeded(1);
      const seen = tally(200, (key) => pick(some, view(cells), fmix32(key), NONE, random, allDown));
      expect([...seen.keys()].sort((a, b) => a - b)).toEqual(want.length === 0 ? [-1] : [...want]);
    });
  }

  test("skips what was tried, then falls to the next rank, then gives up", () => {
    const some = pool(policy, nodes(4));
    const health = view({ 3: { health: "unknown" }, 4: { health: "not-ready" } });
    const tried = new Set<number>();
    const order: number[] = [];
    for (;;) {
      const next = pick(some, health, 7, tried, middle, "try");
      if (next === null) break;
      order.push(next.cell);
      tried.add(next.cell);
    }
    expect(order.slice(0, 2).sort((a, b) => a - b)).toEqual([1, 2]);
    expect(order.slice(2)).toEqual([3, 4]);
  });

  test("takes a usable endpoint of the best rank, whatever the pool", () => {
    const node = fc.record({ health: fc.nat(5), weight: fc.integer({ min: 1, max: 256 }), active: fc.nat(50) });
    const states = fc.array(node, { maxLength: 12 });
    const inputs = [states, fc.integer(), fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 6 })] as const;
    const rank = (health: number, allDown: string): number => [2, 3, allDown === "try" ? 1 : 0, 0, 0, 0][health] ?? 0;
    fc.assert(
      fc.property(...inputs, fc.constantFrom("try", "refuse"), (states, key, skip, allDown) => {
        const health: HealthView = {
          state: (cell) => (states[cell - 1]?.health ?? 3) as Health,
          weight: (cell) => states[cell - 1]?.weight ?? 1,
          active: (cell) => states[cell - 1]?.active ?? 0,
        };
        const tried = new Set(skip);
        const got = pick(pool(policy, nodes(states.length)), health, key, tried, middle, allDown);
        const ranks = states.map((state, i) => (tried.has(i + 1) ? 0 : rank(state.health, allDown)));
        const best = Math.max(0, ...ranks);
        if (best === 0) expect(got).toBeNull();
        else expect(ranks[(got?.cell ?? 0) - 1]).toBe(best);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("pick() by leastconn", () => {
  const three = pool("leastconn", nodes(3));

  test.each([
    ["the fewest connections", { 1: { active: 5 }, 2: { active: 4 }, 3: { active: 6 } }, 2],
    ["an idle node", { 1: { active: 1 }, 2: { active: 1 } }, 3],
    ["a busier node over one at a tenth of its weight", { 1: { active: 5 }, 2: { active: 5 }, 3: { weight: 25 } }, 1],
    ["a starting node when it is far behind", { 1: { active: 30 }, 2: { active: 30 }, 3: { weight: 25 } }, 3],
    [
      "an idle unknown node never before an up one",
      { 1: { active: 90 }, 2: { health: "unknown" }, 3: { health: "dead" } },
      1,
    ],
  ] as const)("takes %s", (_, cells, want) => {
    expect(pick(three, view(cells), 0, NONE, () => 0.99, "try")?.cell).toBe(want);
  });

  test("spreads ties evenly at random", () => {
    const random = seeded(42);
    const seen = tally(30_000, () =>
      pick(pool("leastconn", nodes(5)), view({ 2: { active: 1 } }), 0, NONE, random, "try"),
    );
    expect(seen.has(2)).toBe(false);
    for (const cell of [1, 3, 4, 5]) expect(Math.abs((seen.get(cell) ?? 0) - 7_500)).toBeLessThan(300);
  });

  test("levels the load of nodes that begin unequal", () => {
    const active: Record<number, number> = { 1: 20, 2: 0, 3: 7 };
    const health: HealthView = { ...view(), active: (cell) => active[cell] ?? 0 };
    for (let i = 0; i < 33; i++) {
      const cell = pick(three, health, 0, NONE, seeded(i), "try")?.cell ?? 0;
      active[cell] = (active[cell] ?? 0) + 1;
    }
    expect(active).toEqual({ 1: 20, 2: 20, 3: 20 });
  });
});

describe.each(["source", "host"] as const)("pick() by %s", (policy) => {
  const choose = (endpoints: readonly Endpoint[], key: number, health = view()): number =>
    pick(pool(policy, endpoints), health, key, NONE, middle, "try")?.cell ?? -1;

  test("takes the highest score", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), (key, count) => {
        const scores = nodes(count).map(({ hash }) => fmix32(hash ^ key));
        expect(choose(nodes(count), key)).toBe(scores.indexOf(Math.max(...scores)) + 1);
      }),
      { numRuns: 1_000 },
    );
  });

  test("neither weight nor load nor the order of the list matters", () => {
    const health = view({ 1: { weight: 1, active: 99 }, 2: { weight: 128 } });
    for (let key = 0; key < 500; key++) {
      const want = choose(nodes(4), fmix32(key));
      expect(choose(nodes(4).toReversed(), fmix32(key), health)).toBe(want);
    }
  });

  test("moves only the clients of a node that goes, and only to it those it takes when it comes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), fc.integer(), (count, pickGone, key) => {
        const all = nodes(count);
        const gone = (pickGone % count) + 1;
        const before = choose(all, key);
        const removed = choose(
          all.filter(({ cell }) => cell !== gone),
          key,
        );
        const down = choose(all, key, view({ [gone]: { health: "dead" } }));
        expect(down).toBe(removed);
        if (before === gone) expect(removed).not.toBe(gone);
        else expect(removed).toBe(before);
      }),
      { numRuns: 2_000 },
    );
  });

  test("spreads neighbouring clients over the nodes", () => {
    const seen = tally(6_000, (n) => {
      const key = clientKey(`10.${n >> 8}.7.${n & 255}`);
      return pick(pool(policy, nodes(6)), view(), key, NONE, middle, "try");
    });
    for (const endpoint of nodes(6)) expect(Math.abs((seen.get(endpoint.cell) ?? 0) - 1_000)).toBeLessThan(150);
  });

  test("tells endpoints of one hash apart by their text", () => {
    const twins = [
      { ...endpoint(1, "10.0.0.9"), hash: 5 },
      { ...endpoint(2, "10.0.0.10"), hash: 5 },
    ];
    expect(choose(twins, 77)).toBe(2); // "10.0.0.10:443" sorts before "10.0.0.9:443"
    expect(choose(twins.toReversed(), 77)).toBe(2);
  });

  // Computed with another implementation and fixed for ever: instances that share clients must agree.
  test("keeps its vectors", () => {
    const clients = ["10.0.0.9", "10.0.0.10", "192.168.1.77", "2001:db8::9"];
    expect(clients.map((ip) => choose(nodes(3), clientKey(ip)))).toEqual([1, 3, 2, 3]);
  });
});

describe("pick() by roundrobin", () => {
  const turn = (count: number, key: number, cells: Readonly<Record<number, NodeState>> = {}): number =>
    pick(pool("roundrobin", nodes(count)), view(cells), key, NONE, middle, "try")?.cell ?? -1;
  const keys = (count: number): number[] => Array.from({ length: count }, (_, key) => key);

  test("takes each in turn", () => {
    expect(keys(7).map((key) => turn(3, key))).toEqual([1, 2, 3, 1, 2, 3, 1]);
  });

  test("takes each that is up in turn", () => {
    const cells = { 2: { health: "dead" }, 3: { health: "not-ready" } } as const;
    expect(keys(6).map((key) => turn(5, key, cells))).toEqual([1, 4, 5, 1, 4, 5]);
  });

  test("counts only the best rank, wherever it stands", () => {
    const cells = { 1: { health: "not-ready" }, 2: { health: "unknown" } } as const;
    expect(keys(6).map((key) => turn(4, key, cells))).toEqual([3, 4, 3, 4, 3, 4]);
  });

  test("keeps the turns of nodes that all start", () => {
    const cells = { 1: { weight: 10 }, 2: { weight: 10 }, 3: { weight: 10 } };
    expect(keys(6).map((key) => turn(3, key, cells))).toEqual([1, 2, 3, 1, 2, 3]);
  });

  test.each([1, 26, 64, 128, 200, 255])("gives a node of weight %d its part of its turns", (weight) => {
    const seen = tally(4 * 256 * 10, (key) =>
      pick(pool("roundrobin", nodes(4)), view({ 2: { weight } }), key, NONE, middle, "try"),
    );
    expect(seen.get(2)).toBe(weight * 10);
    const others = [1, 3, 4].map((cell) => seen.get(cell) ?? 0);
    expect(Math.max(...others) - Math.min(...others)).toBeLessThan(0.05 * Math.max(...others));
  });

  test("goes on when the counter wraps at 32 bit", () => {
    const seen = new Set([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1].map((key) => turn(3, key)));
    expect(seen.has(-1)).toBe(false);
    expect(turn(3, -1)).toBe(turn(3, 2 ** 32 - 1));
  });
});
