/** Who takes what no name decides: the client's own cluster, `*`, `--default`, and clusters without nodes for a service. */
import { describe, expect, test } from "bun:test";
import { load } from "../../config/loading.ts";
import { buildSnapshot } from "../../../src/config/build-snapshot.ts";
import { buildRoutes, route, routeHost } from "../../../src/core/route/lookup.ts";
import { serviceNamed } from "../../../src/seam/services.ts";

type Flags = readonly (readonly [string, string])[];
const STRANGER = "203.0.113.9";

/** `hub default`, `- ` where it goes nowhere. */
function asked(flags: Flags, by = route): (service: string, name: string | null, client?: string) => string {
  const config = load([...flags]);
  const input = { version: 1, cellOf: () => 0, addressesOf: () => [], maxConnections: 1 };
  const snapshot = buildSnapshot(config, input);
  const routes = buildRoutes(snapshot);
  return (name, host, client = STRANGER) => {
    const match = by(routes, serviceNamed(snapshot.services, name)?.index ?? -1, host, client);
    return match === null ? "-" : `${snapshot.clusters[match.cluster]?.name} ${match.rule}`;
  };
}

describe("route(), without a name that says anything", () => {
  const HOMES: Flags = [
    ["cluster", "hub=10.0.0.1-3,domain=hub.lab,clients=10.0.0.0/16"],
    ["cluster", "m1=10.0.1.1,10.9.9.9,domain=m1.lab,clients=10.0.1.0/24,fd00:1::/64"],
    ["cluster", "m2=10.9.9.9,domain=m2.lab,api-names=kubernetes.default,clients=10.9.9.0/24"],
    ["listen", "rke2=:9345"],
  ];
  const of = asked([...HOMES, ["default", "m2"]]);

  test.each([
    ["no name", null, "10.0.0.2", "hub client"],
    ["localhost", "localhost", "10.0.1.1", "m1 client"],
    ["the API's name inside a cluster", "kubernetes.default.svc", "10.0.0.1", "hub client"],
    ["the same in full", "kubernetes.default.svc.cluster.local", "10.0.0.1", "hub client"],
    ["such a name that a cluster claims", "kubernetes.default", "10.0.0.1", "m2 exact"],
    ["a name that is known", "api.m2.lab", "10.0.0.1", "m2 exact"],
    ["a name that nobody knows", "x.lab", "10.0.0.1", "-"],
    ["no name, a pod in the longer of two prefixes", null, "10.0.1.77", "m1 client"],
    ["no name, a pod in the shorter one", null, "10.0.77.1", "hub client"],
    ["no name, a pod with IPv6", null, "fd00:1::5", "m1 client"],
    ["no name, a node of two clusters, in one's clients", null, "10.9.9.9", "m2 client"],
    ["no name, a stranger", null, STRANGER, "m2 default"],
    ["localhost, a stranger", "localhost", STRANGER, "m2 default"],
  ])("with %s on a TLS service", (_, name, client, want) => {
    expect(of("api", name, client)).toBe(want);
    expect(of("rke2", name, client)).toBe(want);
  });

  test("asks for the client on http only where there is no Host", () => {
    expect(of("http", null, "10.0.0.2")).toBe("hub client");
    expect(of("http", "localhost", "10.0.0.2")).toBe("-");
  });

  test.each([
    ["the client's own cluster first", "192.0.2.1", "10.0.0.2", "hub client", "hub client"],
    ["then the default", "192.0.2.1", STRANGER, "m2 default", "all rest"],
    ["the same of IPv6", "[2001:db8::1]", STRANGER, "m2 default", "all rest"],
    ["a name is none", "x.lab", "10.0.0.2", "all rest", "all rest"],
    ["a mapped address is one", "[::ffff:192.0.2.1]", STRANGER, "m2 default", "all rest"],
  ])("of a Host that is an address takes: %s", (_, host, client, withDefault, without) => {
    const rest: Flags = [...HOMES, ["cluster", "all=10.7.7.7,names=*"]];
    expect(asked([...rest, ["default", "m2"]], routeHost)("http", host, client)).toBe(withDefault);
    expect(asked(rest, routeHost)("http", host, client)).toBe(without);
  });

  test("says nothing of a node of two clusters", () => {
    const both = asked([
      ["cluster", "a=10.0.0.1"],
      ["cluster", "b=10.0.0.1"],
    ]);
    expect(both("api", null, "10.0.0.1")).toBe("-");
  });

  test("comes before who takes the rest, which comes before the default", () => {
    const rest = asked([...HOMES, ["cluster", "all=10.7.7.7,api-names=*"], ["default", "m2"]]);
    expect(rest("api", "localhost", "10.0.0.1")).toBe("hub client");
    expect(rest("api", "localhost")).toBe("all rest");
    expect(rest("api", null)).toBe("m2 default");
  });
});

describe("route(), of a default for one service", () => {
  const of = asked([
    ["cluster", "hub=10.0.0.1"],
    ["cluster", "acme=10.0.0.2"],
    ["default", "hub"],
    ["default", "http=acme"],
  ]);
  test.each([
    ["api", "hub default"],
    ["https", "hub default"],
    ["http", "acme default"],
    ["mcs", "-"],
  ])("on %s", (service, want) => expect(of(service, null)).toBe(want));
});

describe("route(), of names that nobody claims", () => {
  const of = asked([
    ["listen", "rke2=:9345"],
    ["cluster", "hub=10.0.0.1,domain=hub.lab,names=*.lab"],
    ["cluster", "acme=10.0.0.2,names=*"],
    ["cluster", "kube=10.0.0.3,api-names=*"],
    ["cluster", "edge=10.0.0.4,rke2-names=*"],
  ]);
  test.each([
    ["https", "x.org", "acme rest"],
    ["http", "10.1.1.1", "acme rest"],
    ["http", "a..b", "acme rest"],
    ["https", "x.lab", "hub below"],
    ["https", "console.apps.hub.lab", "hub below"],
    ["https", null, "-"],
    ["api", "x.org", "kube rest"],
    ["api", "api.hub.lab", "hub exact"],
    ["rke2", "x.org", "edge rest"],
    ["rke2", "api.hub.lab", "hub exact"],
    ["mcs", "x.org", "-"],
  ])("on %s of %s", (service, name, want) => expect(of(service, name)).toBe(want));
});

describe("route(), of a cluster without nodes for a service", () => {
  const site = "site=https=10.0.0.1,names=shop.lab,*.shop.lab";
  test("gives way to who takes the rest there", () => {
    const of = asked([
      ["cluster", site],
      ["cluster", "old=http=10.0.0.2,names=*"],
    ]);
    expect(of("https", "shop.lab")).toBe("site exact");
    expect(of("http", "shop.lab")).toBe("old rest");
    expect(of("https", "x.org")).toBe("old rest");
  });
  test("is found without one, so that the answer can say why", () => {
    const of = asked([["cluster", site]]);
    expect(of("http", "shop.lab")).toBe("site exact");
    expect(of("http", "a.shop.lab")).toBe("site below");
  });
  test("keeps what it redirects", () => {
    const of = asked([
      ["cluster", `${site},redirect-https=on`],
      ["cluster", "old=http=10.0.0.2,names=*"],
    ]);
    expect(of("http", "shop.lab")).toBe("site exact");
  });
  test("leaves the name to a cluster that has nodes", () => {
    const of = asked([
      ["cluster", site],
      ["cluster", "plain=http=10.0.0.2,names=shop.lab"],
    ]);
    expect(of("https", "shop.lab")).toBe("site exact");
    expect(of("http", "shop.lab")).toBe("plain exact");
  });
});

test("route() asks 1,000 clusters and 20 further services no more questions than 3", () => {
  const flagsOf = (count: number, services: number): Flags => [
    ...Array.from({ length: services }, (_, at) => ["listen", `s${at}=:${20_000 + at}`] as const),
    ...Array.from({ length: count }, (_, at) => {
      const net = `10.${at >> 8}.${at & 255}`;
      return ["cluster", `c${at}=${net}.1-3,domain=c${at}.lab,clients=${net}.0/24`] as const;
    }),
  ];
  const few = asked(flagsOf(3, 1));
  const many = asked(flagsOf(1_000, 20));
  for (const of of [few, many]) {
    expect(of("s0", "api.c2.lab")).toBe("c2 exact");
    expect(of("s0", "localhost", "10.0.1.2")).toBe("c1 client");
    expect(of("s0", null, "10.0.1.200")).toBe("c1 client");
  }
});
