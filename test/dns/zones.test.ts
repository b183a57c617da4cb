import { describe, expect, test } from "bun:test";
import { Zones } from "../../src/dns/zones.ts";

const named = (...names: readonly string[]) => names.map((name) => ({ name }));
const zones = new Zones({
  exact: named("api.hub.lab", "api-int.hub.lab", "k8s.hub.lab", "shop.example"),
  below: named("apps.hub.lab", "tenants.example", "apps.alone.lab"),
});

describe("Zones.find()", () => {
  test.each([
    ["api.hub.lab", { kind: "host", zone: "hub.lab" }],
    ["k8s.hub.lab", { kind: "host", zone: "hub.lab" }],
    ["console.apps.hub.lab", { kind: "host", zone: "hub.lab" }],
    ["a.b.c.apps.hub.lab", { kind: "host", zone: "hub.lab" }],
    ["apps.hub.lab", { kind: "empty", zone: "hub.lab" }],
    ["hub.lab", { kind: "empty", zone: "hub.lab" }],
    ["www.hub.lab", { kind: "none", zone: "hub.lab" }],
    ["x.api.hub.lab", { kind: "none", zone: "hub.lab" }],
    ["shop.example", { kind: "host", zone: "shop.example" }],
    ["www.shop.example", { kind: "none", zone: "shop.example" }],
    ["a.tenants.example", { kind: "host", zone: "tenants.example" }],
    ["tenants.example", { kind: "empty", zone: "tenants.example" }],
    // who wrote *.apps.alone.lab owns nothing beside it
    ["www.alone.lab", { kind: "elsewhere" }],
    ["lab", { kind: "elsewhere" }],
    ["xhub.lab", { kind: "elsewhere" }],
    ["api.hub.lab.evil.com", { kind: "elsewhere" }],
    ["", { kind: "elsewhere" }],
  ] as const)("%s", (name, found) => {
    expect(zones.find(name)).toEqual(found);
  });

  test("knows the nearer of two domains, one inside the other", () => {
    const nested = new Zones({ exact: named("api.lab", "api.hub.lab"), below: named("apps.lab", "apps.hub.lab") });
    expect(nested.find("x.hub.lab")).toEqual({ kind: "none", zone: "hub.lab" });
    expect(nested.find("x.lab")).toEqual({ kind: "none", zone: "lab" });
  });
});

describe("Zones.serverOf()", () => {
  test.each([
    ["hub.lab", "api.hub.lab"],
    ["shop.example", "shop.example"],
    ["tenants.example", "ns.tenants.example"],
  ])("of %s is a name that has addresses: %s", (zone, server) => {
    expect(zones.serverOf(zone)).toBe(server);
    expect(zones.find(server).kind).toBe("host");
  });
});
