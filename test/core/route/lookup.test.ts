import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { buildRoutes, route, type Routes, type ServiceRoutes } from "../../../src/core/route/lookup.ts";
import type { RouteMatch } from "../../../src/core/route/match.ts";
import type { NameClaim, Snapshot } from "../../../src/seam/snapshot.ts";
import { SERVICES, type ServiceName } from "../../../src/seam/services.ts";
import { at } from "../../support/built-in.ts";

type Names = Pick<Snapshot, "services" | "exact" | "below" | "labels">;

/** Names alone: nobody takes the rest, and clients are of no cluster. */
function routesOf(names: Names): Routes {
  return buildRoutes({ clusters: [], rest: [], fallback: [], ...names });
}

function explainLookup(routes: Routes, service: number, name: string): RouteMatch | null {
  return route(routes, service, name, "");
}

function lookup(routes: Routes, service: number, name: string): number {
  return explainLookup(routes, service, name)?.cluster ?? -1;
}
const INGRESS: readonly ServiceName[] = ["https", "http"];

function claim(name: string, cluster: number, services: readonly ServiceName[] = INGRESS): NameClaim {
  return { name, cluster, services: services.map(at), vacant: [] };
}

/** hub (0) and managed1 (1) have domains, m2 (2) has none; 3 owns names of its own inside the others. */
const NAMES: Names = {
  services: SERVICES,
  exact: [
    claim("api.hub.lab", 0, ["api"]),
    claim("api-int.hub.lab", 0, ["api", "mcs"]),
    claim("api.managed1.lab", 1, ["api"]),
    claim("shop.apps.hub.lab", 3),
    claim("lab", 3),
    claim("api.m2.lab", 3, ["api"]),
  ],
  below: [
    claim("apps.hub.lab", 0),
    claim("apps.managed1.lab", 1),
    claim("deep.apps.hub.lab", 3),
    claim("shop.lab", 3),
    claim("test", 3),
  ],
  labels: [
    claim("api.m2", 2, ["api"]),
    claim("api-int.m2", 2, ["api", "mcs"]),
    claim("apps.m2", 2),
    claim("apps.apps", 4),
  ],
};
const ROUTES = routesOf(NAMES);

const CASES: readonly (readonly [ServiceName, string, number, string])[] = [
  ["api", "api.hub.lab", 0, "an exact name"],
  ["api", "api-int.hub.lab", 0, "api-int on api"],
  ["mcs", "api-int.hub.lab", 0, "api-int on mcs"],
  ["mcs", "api.hub.lab", -1, "api on mcs"],
  ["https", "api.hub.lab", -1, "an api name on https"],
  ["api", "console.apps.hub.lab", -1, "an apps name on api"],
  ["https", "console.apps.hub.lab", 0, "one label below"],
  ["http", "console.apps.hub.lab", 0, "the same on http"],
  ["https", "a.b.c.apps.hub.lab", 0, "three labels below"],
  ["https", "apps.hub.lab", -1, "the suffix itself"],
  ["https", ".apps.hub.lab", -1, "an empty label below"],
  ["https", "shop.apps.hub.lab", 3, "exact before suffix"],
  ["https", "x.shop.apps.hub.lab", 0, "below a name that is exact only"],
  ["https", "x.deep.apps.hub.lab", 3, "the longest suffix"],
  ["https", "deep.apps.hub.lab", 0, "the longest suffix itself, which is below the shorter"],
  ["https", "a.test", 3, "a suffix of one label"],
  ["https", "test", -1, "that label alone"],
  ["https", "lab", 3, "an exact name of one label"],
  ["https", "console.apps.hub.lab.evil.com", -1, "a name that goes on"],
  ["https", "console.apps.hub.labx", -1, "a longer last label"],
  ["https", "xapps.hub.lab", -1, "a longer first label of the suffix"],
  ["https", "a.xapps.hub.lab", -1, "the same one below"],
  ["api", "xapi.hub.lab", -1, "a longer first label"],
  ["api", "x.api.hub.lab", -1, "a label before an exact name"],
  ["https", "", -1, "no name"],
  ["https", ".", -1, "a dot"],
  ["https", "...", -1, "dots"],
  ["api", "api.m2.example.com", 2, "the label rule at the start"],
  ["api", "api.m2.x", 2, "one label after"],
  ["api", "api.m2", -1, "no label after"],
  ["api", "api.m2.", -1, "an empty label after"],
  ["api", "api.m2.lab", 3, "exact before the label rule"],
  ["api", "api.m22.lab", -1, "a longer second label"],
  ["api", "x.api.m2.lab", -1, "the label rule not at the start"],
  ["mcs", "api-int.m2.lab", 2, "the label rule on mcs"],
  ["https", "a.apps.m2.lab", 2, "the label rule inside"],
  ["https", "a.b.apps.m2.lab", 2, "the label rule deeper"],
  ["https", "apps.m2.lab", -1, "no label before apps"],
  ["https", ".apps.m2.lab", -1, "an empty label before apps"],
  ["https", "a.apps.m2", -1, "no label after the cluster"],
  ["https", "a.apps.m2.", -1, "an empty label after the cluster"],
  ["https", "a.xapps.m2.lab", -1, "a longer apps label"],
  ["https", "a.apps.m3.lab", -1, "another cluster"],
  ["https", "a.apps.m3.apps.m2.lab", 2, "a second apps that is known"],
  ["https", "a.apps.apps.m2.lab", 4, "the leftmost of two that match"],
  ["https", "a.apps.m2.apps.hub.lab", 0, "suffix before the label rule"],
  ["https", `${"a.".repeat(120)}apps.hub.lab`, 0, "123 labels"],
  ["https", `${"a.".repeat(1_000)}apps.hub.lab`, -1, "a name beyond what DNS allows"],
  ["https", "a..apps.hub.lab", -1, "an empty label"],
];

/** The rules of the design, written down without any index. */
function naive(names: Names, kind: ServiceName, name: string): number {
  if (name.length > 253 || name.includes("..")) return -1;
  const of = (claims: readonly NameClaim[]): readonly NameClaim[] =>
    claims.filter(({ services }) => services.includes(at(kind)));
  const exact = of(names.exact).find((claim) => claim.name === name);
  if (exact !== undefined) return exact.cluster;
  const below = of(names.below).filter(
    (claim) => name.endsWith(`.${claim.name}`) && name.length > claim.name.length + 1,
  );
  const longest = Math.max(...below.map((claim) => claim.name.length));
  for (const claim of below) if (claim.name.length === longest) return claim.cluster;
  const rules = of(names.labels);
  const apps = rules.filter((claim) => claim.name.startsWith("apps."));
  for (const claim of rules) {
    if (!apps.includes(claim) && name.startsWith(`${claim.name}.`) && name.length > claim.name.length + 1)
      return claim.cluster;
  }
  for (let at = 1; at < name.length; at++) {
    const rest = name.slice(at);
    const hit = apps.find((claim) => rest.startsWith(`.${claim.name}.`) && rest.length > claim.name.length + 2);
    if (hit !== undefined) return hit.cluster;
  }
  return -1;
}

/** The same routes, counting every question put to a map. */
function counted(routes: Routes): { routes: Routes; probes: () => number } {
  let probes = 0;
  const count = (map: ReadonlyMap<string, RouteMatch>): ReadonlyMap<string, RouteMatch> => {
    const copy = new Map(map);
    const get = copy.get.bind(copy);
    copy.get = (key) => {
      probes++;
      return get(key);
    };
    return copy;
  };
  const each = (of: ServiceRoutes): ServiceRoutes => ({
    exact: count(of.exact),
    below: count(of.below),
    belowLabels: of.belowLabels,
    start: count(of.start),
    apps: count(of.apps),
    vacant: null,
    rest: null,
    fallback: null,
    empty: of.empty,
  });
  return { routes: { services: routes.services.map(each), homes: routes.homes }, probes: () => probes };
}

function manyClusters(count: number, withDomain: boolean): Routes {
  const ids = Array.from({ length: count }, (_, id) => id);
  const domain = withDomain ? ".lab" : "";
  const api = ids.map((id) => claim(`api.c${id}${domain}`, id, ["api"]));
  const apps = ids.map((id) => claim(`apps.c${id}${domain}`, id));
  return routesOf(
    withDomain
      ? { services: SERVICES, exact: api, below: apps, labels: [] }
      : { services: SERVICES, exact: [], below: [], labels: [...api, ...apps] },
  );
}

describe("route()", () => {
  test.each([...CASES])("on %s of %s is %d: %s", (kind, name, want) => {
    expect(lookup(ROUTES, at(kind), name)).toBe(want);
    expect(naive(NAMES, kind, name)).toBe(want);
  });

  test("takes the first of two equal claims", () => {
    const routes = routesOf({ ...NAMES, exact: [claim("a.lab", 7), claim("a.lab", 8)] });
    expect(lookup(routes, at("https"), "a.lab")).toBe(7);
  });

  test("prefers the start of the name to its inside", () => {
    const routes = routesOf({
      services: SERVICES,
      exact: [],
      below: [],
      labels: [claim("apps.b", 2), claim("api.a", 1)],
    });
    expect(lookup(routes, at("https"), "api.a.apps.b.lab")).toBe(1);
  });

  test("keeps the claims of different kinds on one name apart", () => {
    const routes = routesOf({ ...NAMES, exact: [claim("a.lab", 7, ["api"]), claim("a.lab", 8, ["https"])] });
    expect(SERVICES.map(({ index }) => lookup(routes, index, "a.lab"))).toEqual([7, 8, -1, -1]);
  });

  test("agrees with the rules read one by one", () => {
    const label = fc.constantFrom("a", "b", "api", "api-int", "apps", "hub", "m1", "lab", "");
    const some = (least: number, most: number): fc.Arbitrary<string> =>
      fc.array(label, { minLength: least, maxLength: most }).map((labels) => labels.join("."));
    const word = fc.constantFrom("a", "api", "apps", "hub", "m1", "lab");
    const known = fc.array(word, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const start = fc.tuple(fc.constantFrom("api", "api-int", "apps"), word).map((labels) => labels.join("."));
    const claims = (name: fc.Arbitrary<string>): fc.Arbitrary<NameClaim[]> =>
      fc.array(
        fc.record({
          name,
          cluster: fc.nat(9),
          services: fc.subarray(
            SERVICES.map(({ index }) => index),
            { minLength: 1 },
          ),
          vacant: fc.constant([]),
        }),
        {
          maxLength: 6,
        },
      );
    const names = fc.record({ exact: claims(known), below: claims(known), labels: claims(start) });
    fc.assert(
      fc.property(names, some(0, 7), fc.constantFrom(...SERVICES.map(({ name }) => name)), (claims, name, kind) => {
        const snapshot = { services: SERVICES, ...claims };
        expect(lookup(routesOf(snapshot), at(kind), name)).toBe(naive(snapshot, kind, name));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([true, false])("asks 10,000 clusters no more questions than 3 (domains known: %p)", (withDomain) => {
    const few = counted(manyClusters(3, withDomain));
    const many = counted(manyClusters(10_000, withDomain));
    const asked = ["api.c2.lab", "a.b.apps.c2.lab", "a.apps.none.lab", "x", "a.".repeat(120) + "apps.c2.lab"];
    for (const name of asked) {
      for (const { index } of SERVICES) expect(lookup(many.routes, index, name)).toBe(lookup(few.routes, index, name));
    }
    expect(many.probes()).toBe(few.probes());
  });

  test("asks a bounded number of questions however many labels there are", () => {
    const worst = ["a.".repeat(126) + "a", "a" + ".apps.b".repeat(36), ".apps".repeat(50), ".".repeat(253)];
    for (const name of worst) {
      const { routes, probes } = counted(ROUTES);
      lookup(routes, at("https"), name);
      expect(probes()).toBeLessThanOrEqual(56);
    }
  });
});

describe("route(), its match", () => {
  test("names the claim and its kind", () => {
    expect(explainLookup(ROUTES, at("api"), "api.hub.lab")).toEqual({
      cluster: 0,
      rule: "exact",
      claim: "api.hub.lab",
    });
    expect(explainLookup(ROUTES, at("http"), "a.b.apps.hub.lab")).toEqual({
      cluster: 0,
      rule: "below",
      claim: "apps.hub.lab",
    });
    expect(explainLookup(ROUTES, at("api"), "api.m2.x")).toEqual({ cluster: 2, rule: "labels", claim: "api.m2" });
    expect(explainLookup(ROUTES, at("https"), "a.apps.m2.x")).toEqual({ cluster: 2, rule: "labels", claim: "apps.m2" });
    expect(explainLookup(ROUTES, at("https"), "a.apps.m3.x")).toBeNull();
  });
});
