import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Chain, type Link } from "../../src/data/chain.ts";
import "../support/seed.ts";

interface Item extends Link<Item> {
  readonly name: number;
}

const COUNT = 6;

describe("Chain", () => {
  test("holds the same items in the same order as an array, whatever joins and leaves", () => {
    const steps = fc.array(fc.record({ add: fc.boolean(), at: fc.nat(COUNT - 1) }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (list) => {
        const items = Array.from({ length: COUNT }, (_, name): Item => ({ name, previous: null, next: null }));
        const chain = new Chain<Item>();
        let model: Item[] = [];
        for (const { add, at } of list) {
          const item = items[at];
          if (item === undefined) continue;
          if (!add) {
            chain.remove(item); // also when it is in no chain
            model = model.filter((other) => other !== item);
          } else if (!model.includes(item)) {
            chain.add(item);
            model.push(item);
          }
          expect(chain.items().map(({ name }) => name)).toEqual(model.map(({ name }) => name));
          expect(chain.first).toBe(model[0] ?? null);
        }
      }),
    );
  });

  test("lets go of what left it", () => {
    const [a, b]: Item[] = [1, 2].map((name) => ({ name, previous: null, next: null }));
    const chain = new Chain<Item>();
    if (a === undefined || b === undefined) throw new Error("two items wanted");
    chain.add(a);
    chain.add(b);
    chain.remove(a);
    expect([a.previous, a.next, b.previous]).toEqual([null, null, null]);
  });
});
