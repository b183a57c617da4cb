import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { readNodes } from "../../../src/config/values/addresses.ts";
import { compressNodes } from "../../../src/migrate/plan/node-ranges.ts";

describe("compressNodes()", () => {
  test.each([
    ["neighbours", ["10.0.0.1", "10.0.0.3", "10.0.0.2"], ["10.0.0.1-3"]],
    ["gaps", ["10.0.0.1", "10.0.0.3"], ["10.0.0.1", "10.0.0.3"]],
    ["a net's border", ["10.0.0.255", "10.0.1.0"], ["10.0.0.255-10.0.1.0"]],
    ["names and IPv6", ["n1.lab", "fd00::1", "10.0.0.1"], ["10.0.0.1", "n1.lab", "[fd00::1]"]],
    ["repeats", ["10.0.0.1", "10.0.0.1"], ["10.0.0.1"]],
  ])("writes %s", (_, hosts, want) => {
    expect(compressNodes(hosts)).toEqual(want);
  });

  test("reads back to the same nodes", () => {
    const host = fc.tuple(fc.nat(3), fc.nat(255)).map(([net, last]) => `10.0.${net}.${last}`);
    fc.assert(
      fc.property(fc.uniqueArray(host, { maxLength: 40 }), (hosts) => {
        const back = compressNodes(hosts).flatMap((text) => {
          const reading = readNodes(text);
          return reading.ok ? reading.value.map((node) => node.host) : [`bad ${text}`];
        });
        expect(back.sort()).toEqual([...hosts].sort());
      }),
      { numRuns: 300 },
    );
  });
});
