import { describe, expect, test } from "bun:test";
import { judgeBelonging } from "../../../src/core/discover/belonging.ts";
import { findClusters, type Findings, type Given } from "../../../src/core/discover/clusters.ts";
import { SUBJECTS_MOST, withIssuer, type Issuers } from "../../../src/core/discover/issuers.ts";
import { covers, outsideNames, type Shown, type Sighting } from "../../../src/core/discover/sighting.ts";

const NONE: Issuers = new Map();
const INSIDE = ["kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"];

/** What OpenShift's API shows: one certificate without a name, another one when asked for `api.D`. */
const openShift = (domain: string, issuer = domain): readonly Shown[] => [
  { names: INSIDE, issuer: `${issuer} inside` },
  { names: [`api.${domain}`], issuer },
];
const apps = (domain: string, issuer = `${domain} ingress`): readonly Shown[] => [
  { names: [`*.apps.${domain}`], issuer },
];
const at = (ip: string, api: readonly Shown[] | null, https: readonly Shown[] | null = null): Sighting => ({
  ip,
  label: null,
  api,
  https,
});
const compact = (ip: string, domain: string): Sighting => at(ip, openShift(domain), apps(domain));

function found(sightings: readonly Sighting[], given: readonly Given[] = [], issuers: Issuers = NONE): Findings {
  return findClusters(judgeBelonging(sightings, issuers), given);
}
const brief = ({ clusters }: Findings): unknown =>
  clusters.map(({ name, domain, api, ingress, apiNames }) => ({ name, domain, api, ingress, apiNames }));

describe("findClusters()", () => {
  test.each<[string, readonly Sighting[], unknown]>([
    ["nothing", [at("10.0.0.1", null)], []],
    [
      "a compact cluster and one with roles apart",
      [
        compact("10.0.0.1", "hub.lab"),
        at("10.0.0.2", openShift("m1.lab")),
        at("10.0.0.3", null, apps("m1.lab")),
        at("10.0.0.4", null, null),
      ],
      [
        { name: "hub", domain: "hub.lab", api: ["10.0.0.1"], ingress: ["10.0.0.1"], apiNames: [] },
        { name: "m1", domain: "m1.lab", api: ["10.0.0.2"], ingress: ["10.0.0.3"], apiNames: [] },
      ],
    ],
    [
      "an API with names of its own, as k3s has it",
      [
        at(
          "10.0.0.1",
          [{ names: [...INSIDE, "k3s", "k3s.lab"], issuer: "k3s" }],
          [{ names: ["x.traefik.default"], issuer: "t" }],
        ),
      ],
      [{ name: "k3s", domain: null, api: ["10.0.0.1"], ingress: [], apiNames: ["k3s.lab"] }],
    ],
    [
      "servers that share a name and an authority as one cluster",
      ["a", "b"].map((host, index) =>
        at(`10.0.0.${index}`, [{ names: [...INSIDE, "vip.lab", `${host}.lab`], issuer: "k3s" }]),
      ),
      [
        {
          name: "a",
          domain: null,
          api: ["10.0.0.0", "10.0.0.1"],
          ingress: [],
          apiNames: ["a.lab", "b.lab", "vip.lab"],
        },
      ],
    ],
    [
      "two clusters with the same first label by whole names",
      [compact("10.0.0.1", "hub.a.lab"), compact("10.0.0.2", "hub.b.lab")],
      [
        { name: "hub", domain: "hub.a.lab", api: ["10.0.0.1"], ingress: ["10.0.0.1"], apiNames: [] },
        { name: "hub.b.lab", domain: "hub.b.lab", api: ["10.0.0.2"], ingress: ["10.0.0.2"], apiNames: [] },
      ],
    ],
    [
      "an ingress whose API has no certificate for its domain",
      [at("10.0.0.1", [{ names: INSIDE, issuer: "x" }], apps("micro.lab"))],
      [{ name: "micro", domain: "micro.lab", api: [], ingress: ["10.0.0.1"], apiNames: [] }],
    ],
    [
      "no domain that could not be given",
      [at("10.0.0.1", null, [{ names: ["*.apps.a b", "*.apps.", "*.apps.-x.lab"], issuer: "x" }])],
      [],
    ],
    [
      "no domain where a certificate names several and no API says which",
      [at("10.0.0.1", null, [{ names: ["*.apps.a.lab", "*.apps.b.lab"], issuer: "x" }])],
      [],
    ],
  ])("finds %s", (_, sightings, want) => {
    expect(brief(found(sightings))).toEqual(want as never);
  });

  test("keeps the names that clusters had before", () => {
    const belonging = judgeBelonging([compact("10.0.0.1", "hub.a.lab"), compact("10.0.0.2", "hub.b.lab")], NONE);
    const before = new Map([["hub.b.lab", "hub"]]);
    expect(findClusters(belonging, [], before).clusters.map(({ name, domain }) => [name, domain])).toEqual([
      ["hub.a.lab", "hub.a.lab"],
      ["hub", "hub.b.lab"],
    ]);
  });

  test("lists APIs without any name as nameless", () => {
    const { nameless, clusters } = found([at("10.0.0.1", [{ names: INSIDE, issuer: "x" }]), at("10.0.0.2", null, [])]);
    expect([clusters, nameless]).toEqual([[], [{ ip: "10.0.0.1", issuer: "x" }]]);
  });

  test.each<[string, Given, string]>([
    ["its domain", { name: "mine", domain: "hub.lab", names: [], addresses: [] }, "mine"],
    ["its label, while its domain is not known", { name: "hub", domain: null, names: [], addresses: [] }, "hub"],
  ])("leaves a given cluster %s", (_, given, cluster) => {
    const { clusters, taken } = found([compact("10.0.0.1", "hub.lab")], [given]);
    expect([clusters, taken]).toEqual([[], [{ ip: "10.0.0.1", what: "hub.lab", cluster }]]);
  });

  test("leaves a given cluster its API names and its name", () => {
    const given = { name: "k3s", domain: "x.lab", names: ["*.shop.lab"], addresses: [] };
    const shown = (names: string[]): Sighting => at("10.0.0.1", [{ names, issuer: "k" }]);
    expect(brief(found([shown(["k3s.lab", "api.x.lab", "a.shop.lab"])], [given]))).toEqual([]);
    expect(brief(found([shown(["k3s.lab", "a.shop.lab"])], [given]))).toEqual([
      { name: "k3s.lab", domain: null, api: ["10.0.0.1"], ingress: [], apiNames: ["k3s.lab"] },
    ]);
  });

  test("gives a name to the cluster of its domain alone", () => {
    const other = at("10.0.0.9", [{ names: ["api-int.hub.lab", "k3s.lab"], issuer: "k3s" }]);
    expect(brief(found([compact("10.0.0.1", "hub.lab"), other]))).toEqual([
      { name: "k3s", domain: null, api: ["10.0.0.9"], ingress: [], apiNames: ["k3s.lab"] },
      { name: "hub", domain: "hub.lab", api: ["10.0.0.1"], ingress: ["10.0.0.1"], apiNames: [] },
    ]);
  });
});

describe("judgeBelonging()", () => {
  const first = judgeBelonging([compact("10.0.0.1", "hub.lab"), compact("10.0.0.2", "hub.lab")], NONE);

  test.each<[string, Sighting]>([
    ["an API", at("10.0.0.9", openShift("hub.lab", "rogue"))],
    ["an API beside the true ingress certificate", at("10.0.0.9", openShift("hub.lab", "rogue"), apps("hub.lab"))],
    ["an ingress", at("10.0.0.9", null, apps("hub.lab", "rogue"))],
    ["an ingress beside an API of its own", at("10.0.0.9", openShift("rogue.lab"), apps("hub.lab", "rogue"))],
    ["one certificate for everything", at("10.0.0.9", [{ names: ["api.hub.lab", "api.rogue.lab"], issuer: "rogue" }])],
    ["a wildcard", at("10.0.0.9", [{ names: ["*.hub.lab"], issuer: "rogue" }])],
  ])("says foreign of copied names in %s, whatever was first in the list", (_, rogue) => {
    for (const issuers of [first.issuers, NONE]) {
      const { foreign, members } = judgeBelonging(
        [rogue, compact("10.0.0.1", "hub.lab"), compact("10.0.0.2", "hub.lab")],
        issuers,
      );
      expect(foreign.map(({ ip }) => ip)).toEqual(["10.0.0.9"]);
      expect(members.map(({ ip }) => ip)).toEqual(["10.0.0.1", "10.0.0.2"]);
    }
  });

  test("believes who was seen first, also when more come later", () => {
    const crowd = ["7", "8", "9"].map((last) => at(`10.0.0.${last}`, openShift("hub.lab", "rogue")));
    expect(judgeBelonging(crowd, first.issuers).members).toEqual([]);
  });

  test("believes a machine with the true API about the authority of its ingress, and those that share it", () => {
    const renewed = (ip: string, api: boolean): Sighting =>
      at(ip, api ? openShift("hub.lab") : null, apps("hub.lab", "renewed"));
    expect(judgeBelonging([renewed("10.0.0.1", true), renewed("10.0.0.5", false)], first.issuers).foreign).toEqual([]);
    expect(judgeBelonging([renewed("10.0.0.5", false)], first.issuers).foreign.length).toBe(1);
  });

  test("takes no more of ten thousand names than a lab could have, and remembers a bounded number of authorities", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => [
      `api.d${index}.lab`,
      `*.apps.d${index}.lab`,
      `n${index}.lab`,
    ]);
    const shown = [{ names: names.flat(), issuer: "many" }];
    const belonging = judgeBelonging([at("10.0.0.1", shown, shown)], NONE);
    expect(belonging.members[0]?.apiNames.length).toBeLessThan(64);
    expect(belonging.issuers.size).toBeLessThan(64);
    let issuers: Issuers = NONE;
    for (let index = 0; index < 5_000; index++) issuers = withIssuer(new Map(issuers), `api ${index % 4_500}`, "x");
    for (let index = 0; index < 50; index++) issuers = withIssuer(issuers, "api 1", `issuer ${index}`);
    expect([issuers.size, issuers.get("api 1")?.length]).toEqual([SUBJECTS_MOST, 8]);
  });
});

describe("outsideNames()", () => {
  test("leaves out names that mean nothing outside a cluster", () => {
    const names = [
      ...INSIDE,
      "openshift.default",
      "k3s",
      "*.lab",
      "a.svc",
      "10.0.0.1.x y",
      "node.localdomain",
      "vip.lab",
    ];
    expect(outsideNames({ names, issuer: "" })).toEqual(["vip.lab"]);
  });
});

describe("covers()", () => {
  test.each([
    ["api.hub.lab", ["api.hub.lab"], true],
    ["api.hub.lab", ["*.hub.lab"], true],
    ["api.hub.lab", ["*.lab"], false],
    ["api.hub.lab", ["api.hub.lab.evil"], false],
  ])("%s by %p: %p", (name, names, want) => {
    expect(covers({ names, issuer: "" }, name)).toBe(want);
  });
});
