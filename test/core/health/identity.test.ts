import { describe, expect, test } from "bun:test";
import {
  electDomains,
  expiry,
  identify,
  learntDomain,
  owners,
  sharedCertificates,
  type ShownCertificate,
} from "../../../src/core/health/identity.ts";

const shown = (names: string[], offersH2 = false): ShownCertificate => ({
  names,
  notAfterMs: 0,
  fingerprint: names.join(),
  issuer: "lab",
  offersH2,
});
const clusters = [
  { name: "hub", domain: "hub-cluster.linuxera.lab", names: [] },
  { name: "managed1", domain: "managed1.linuxera.lab", names: ["*.shop.lab", "one.lab"] },
  { name: "inner", domain: "inner.managed1.linuxera.lab", names: [] },
  { name: "lab", domain: null, names: [] },
  // https of one cluster and http of another, with the same names
  { name: "two", domain: "two.lab", names: ["both.lab"] },
  { name: "two-http", domain: "two.lab", names: ["both.lab"] },
];

describe("identify()", () => {
  const cases: readonly { names: string[]; own: string; want: unknown }[] = [
    { names: ["api.hub-cluster.linuxera.lab"], own: "hub", want: { kind: "proven" } },
    { names: ["*.apps.hub-cluster.linuxera.lab"], own: "hub", want: { kind: "proven" } },
    { names: ["api.managed1.linuxera.lab"], own: "hub", want: { kind: "foreign", cluster: "managed1" } },
    { names: ["*.apps.managed1.linuxera.lab"], own: "hub", want: { kind: "foreign", cluster: "managed1" } },
    { names: ["*.shop.lab"], own: "hub", want: { kind: "foreign", cluster: "managed1" } },
    { names: ["one.lab"], own: "managed1", want: { kind: "proven" } },
    { names: ["api.inner.managed1.linuxera.lab"], own: "managed1", want: { kind: "foreign", cluster: "inner" } },
    { names: ["api.inner.managed1.linuxera.lab"], own: "inner", want: { kind: "proven" } },
    { names: ["*.apps.two.lab"], own: "two", want: { kind: "proven" } },
    { names: ["*.apps.two.lab"], own: "two-http", want: { kind: "proven" } },
    { names: ["both.lab"], own: "two", want: { kind: "proven" } },
    { names: ["both.lab"], own: "hub", want: { kind: "foreign", cluster: "two" } },
    { names: ["api.lab.anything"], own: "hub", want: { kind: "foreign", cluster: "lab" } },
    { names: ["*.apps.lab.example.org"], own: "lab", want: { kind: "proven" } },
    { names: ["*.apps.other.example.org"], own: "lab", want: { kind: "unproven" } },
    { names: ["kubernetes", "kubernetes.default.svc"], own: "hub", want: { kind: "unproven" } },
    { names: ["evil-managed1.linuxera.lab"], own: "hub", want: { kind: "unproven" } },
    { names: ["managed1.linuxera.lab.evil.com"], own: "hub", want: { kind: "unproven" } },
    { names: [], own: "hub", want: { kind: "unproven" } },
    {
      names: ["*.apps.managed1.linuxera.lab", "*.apps.hub-cluster.linuxera.lab"],
      own: "hub",
      want: { kind: "proven" },
    },
  ];
  test.each(cases)("judges $names for $own", ({ names, own, want }) => {
    expect(identify(own, owners(clusters).of(shown(names)))).toEqual(want as never);
  });
});

describe("learntDomain()", () => {
  const cases = [
    { names: ["*.apps.hub-cluster.linuxera.lab"], want: "hub-cluster.linuxera.lab" },
    { names: ["*.apps.a.lab", "*.apps.hub.lab"], want: "hub.lab" },
    { names: ["*.apps.a.lab", "*.apps.b.lab"], want: null },
    { names: ["*.a.lab", "apps.a.lab"], want: null },
    { names: [], want: null },
    // D6: what may not be given as a domain
    ...[
      "<script>",
      "a b.lab",
      "a..lab",
      ".lab",
      "lab.",
      "-a.lab",
      "a\n.lab",
      "*.lab",
      "a'.lab",
      `${"a".repeat(64)}.lab`,
      "",
    ].map((domain) => ({ names: [`*.apps.${domain}`], want: null })),
    { names: ["*.apps.<script>", "*.apps.hub.lab"], want: "hub.lab" },
  ];
  test.each(cases)("reads $want from $names", ({ names, want }) => {
    expect(learntDomain("hub", shown(names))).toBe(want);
  });
});

describe("expiry()", () => {
  const day = 24 * 3_600_000;
  test.each([
    { leftDays: 15, want: "fine" },
    { leftDays: 13, want: "soon" },
    { leftDays: 0, want: "expired" },
    { leftDays: -1, want: "expired" },
  ] as const)("is $want with $leftDays days left", ({ leftDays, want }) => {
    expect(expiry(1e12 + leftDays * day, 1e12)).toBe(want);
  });
});

describe("sharedCertificates()", () => {
  const nameOwners = owners(clusters);
  test("warns of one certificate for two clusters that offers h2", () => {
    const both = shown(["*.apps.hub-cluster.linuxera.lab", "*.apps.managed1.linuxera.lab"], true);
    const found = sharedCertificates(
      new Map([
        ["hub", both],
        ["managed1", both],
      ]),
      nameOwners,
    );
    expect(found).toHaveLength(1);
    expect([found[0]?.cluster, found[0]?.also].sort()).toEqual(["hub", "managed1"]);
  });
  test("is silent for one name that two clusters have on different services", () => {
    expect(sharedCertificates(new Map([["two", shown(["*.apps.two.lab"], true)]]), nameOwners)).toEqual([]);
  });
  test("warns of a name that no cluster claims but two show", () => {
    const star = shown(["*.corp.example"], true);
    expect(
      sharedCertificates(
        new Map([
          ["hub", star],
          ["inner", star],
        ]),
        nameOwners,
      ),
    ).toEqual([{ cluster: "inner", also: "hub" }]);
  });
  test("is silent without h2 and for certificates apart", () => {
    const both = shown(["*.apps.hub-cluster.linuxera.lab", "*.apps.managed1.linuxera.lab"], false);
    expect(sharedCertificates(new Map([["hub", both]]), nameOwners)).toEqual([]);
    const own = shown(["*.apps.hub-cluster.linuxera.lab"], true);
    expect(sharedCertificates(new Map([["hub", own]]), nameOwners)).toEqual([]);
  });
});

describe("electDomains()", () => {
  const votes = (cluster: string, shown: Record<string, number>, standing: string | null = null) => ({
    cluster,
    standing,
    votes: new Map(Object.entries(shown)),
  });
  const cases = [
    { name: "all nodes agree", candidates: [votes("hub", { "hub.lab": 3 })], want: { hub: "hub.lab" } },
    {
      name: "one recycled address does not name the cluster",
      candidates: [votes("hub", { "other.lab": 1, "hub.lab": 2 })],
      want: { hub: "hub.lab" },
    },
    {
      name: "a hasty choice is corrected when most nodes say otherwise",
      candidates: [votes("hub", { "other.lab": 1, "hub.lab": 2 }, "other.lab")],
      want: { hub: "hub.lab" },
    },
    {
      name: "a domain goes to the cluster most of whose nodes show it",
      candidates: [votes("a", { "c.lab": 1 }, "c.lab"), votes("b", { "c.lab": 2 })],
      want: { b: "c.lab" },
    },
    {
      name: "who loses a domain gets the next one its nodes show",
      candidates: [votes("a", { "b.lab": 2, "x.lab": 1 }), votes("b", { "b.lab": 3 })],
      want: { a: "x.lab", b: "b.lab" },
    },
    {
      name: "evenly divided: what stood before stays",
      candidates: [votes("hub", { "x.lab": 1, "y.lab": 1 }, "y.lab")],
      want: { hub: "y.lab" },
    },
    {
      name: "evenly divided: the name decides",
      candidates: [votes("hub", { "x.lab": 1, "hub.y.lab": 1 })],
      want: { hub: "hub.y.lab" },
    },
    { name: "evenly divided: nobody gets it", candidates: [votes("hub", { "x.lab": 1, "y.lab": 1 })], want: {} },
    {
      name: "two clusters, one domain, no reason: nobody gets it",
      candidates: [votes("a", { "x.lab": 1 }), votes("b", { "x.lab": 1 })],
      want: {},
    },
    { name: "a given domain is taken", candidates: [votes("a", { "given.lab": 3, "x.lab": 1 })], want: { a: "x.lab" } },
    { name: "nodes that went keep nothing from standing", candidates: [votes("a", {}, "a.lab")], want: { a: "a.lab" } },
  ];
  test.each(cases)("$name", ({ candidates, want }) => {
    expect(Object.fromEntries(electDomains(candidates, new Set(["given.lab"])))).toEqual(want as never);
  });
});
