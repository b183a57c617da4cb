import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { editDistance } from "../../../src/core/route/edit-distance.ts";
import { buildRoutes } from "../../../src/core/route/lookup.ts";
import { nearestName } from "../../../src/core/route/nearest.ts";
import { SERVICES, type ServiceName } from "../../../src/seam/services.ts";
import { at } from "../../support/built-in.ts";

const API = [at("api")];
const INGRESS = [at("https"), at("http")];
const ROUTES = buildRoutes({
  services: SERVICES,
  clusters: [],
  rest: [],
  fallback: [],
  exact: [
    { name: "api.hub-cluster.linuxera.lab", cluster: 0, services: API, vacant: [] },
    { name: "api-int.hub-cluster.linuxera.lab", cluster: 0, services: API, vacant: [] },
    { name: "api.managed1.linuxera.lab", cluster: 1, services: API, vacant: [] },
    { name: "shop.lab", cluster: 1, services: INGRESS, vacant: [] },
  ],
  below: [
    { name: "apps.hub-cluster.linuxera.lab", cluster: 0, services: INGRESS, vacant: [] },
    { name: "apps.managed1.linuxera.lab", cluster: 1, services: INGRESS, vacant: [] },
  ],
  labels: [
    { name: "api.edge", cluster: 2, services: API, vacant: [] },
    { name: "apps.edge", cluster: 2, services: INGRESS, vacant: [] },
  ],
});

const CASES: readonly (readonly [ServiceName, string, string | null])[] = [
  ["api", "api.hub-clutser.linuxera.lab", "api.hub-cluster.linuxera.lab"],
  ["api", "api.hub.linuxera.lab", "api.hub-cluster.linuxera.lab"],
  ["api", "api-int.hub-cluster.linuxera.la", "api-int.hub-cluster.linuxera.lab"],
  ["api", "apl.managed1.linuxera.lab", "api.managed1.linuxera.lab"],
  ["api", "api.managed1.example.com", "api.managed1.linuxera.lab"],
  ["api", "api.managed1", "api.managed1.linuxera.lab"],
  ["api", "api.egde.somewhere.net", "api.edge.*"],
  ["https", "console.apps.hub-cluster.linuxera.lan", "*.apps.hub-cluster.linuxera.lab"],
  ["https", "a.b.app.managed1.linuxera.lab", "*.apps.managed1.linuxera.lab"],
  ["https", "apps.managed1.linuxera.lab", "*.apps.managed1.linuxera.lab"],
  ["https", "console.apps.managed1.example.com", "*.apps.managed1.linuxera.lab"],
  ["https", "console.apps.egde.lab", "*.apps.edge.*"],
  ["https", "shpo.lab", "shop.lab"],
  ["https", "www.example.com", null],
  ["https", "localhost", null],
  ["https", "", null],
  ["mcs", "api-int.hub-cluster.linuxera.lab", null],
  ["https", "a".repeat(8_000), null],
];

/** Optimal string alignment over the whole table. */
function fullDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const at = (i: number, j: number): number => table[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = swapped ? at(i - 2, j - 2) + 1 : Infinity;
      table[i]![j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same, swap);
    }
  }
  return at(a.length, b.length);
}

describe("nearestName()", () => {
  test.each([...CASES])("on %s of %s is %p", (kind, name, want) =>
    expect(nearestName(ROUTES, at(kind), name)).toBe(want),
  );
});

describe("editDistance()", () => {
  test.each([
    ["", "", 0],
    ["hub", "hub", 0],
    ["hub", "hbu", 1],
    ["hub", "hubs", 1],
    ["hub", "hu", 1],
    ["hub", "hab", 1],
    ["hub", "", 3],
    ["kitten", "sitting", 3],
  ])("between %p and %p is %d", (a, b, want) => expect(editDistance(a, b, 8)).toBe(want));

  test("is exact up to its bound and one more beyond", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c", "."), maxLength: 12 });
    fc.assert(
      fc.property(word, word, fc.nat(8), (a, b, bound) => {
        expect(editDistance(a, b, bound)).toBe(Math.min(fullDistance(a, b), bound + 1));
      }),
      { numRuns: 5_000 },
    );
  });
});
