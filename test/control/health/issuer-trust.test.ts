import { describe, expect, test } from "bun:test";
import { IssuerTrust } from "../../../src/control/health/issuer-trust.ts";
import { load } from "../../config/loading.ts";

describe("IssuerTrust.isForeign()", () => {
  const [given] = load([["cluster", "hub=10.0.0.1,domain=hub.lab,api-names=vip.lab"]]).clusters;
  if (given === undefined) throw new Error("no cluster");
  const found = { ...given, layer: "discovered" as const };
  const trust = new IssuerTrust();
  trust.set(
    new Map([
      ["api api.hub.lab", ["true"]],
      ["ingress hub.lab", ["true", "renewed"]],
      ["api vip.lab", ["true"]],
    ]),
  );
  test.each([
    [["api.hub.lab"], "true", false],
    [["api.hub.lab"], "rogue", true],
    [["*.apps.hub.lab"], "renewed", false],
    [["*.apps.hub.lab"], "rogue", true],
    [["vip.lab"], "rogue", true],
    [["kubernetes"], "rogue", false],
  ])("%p signed by %s: %p", (names, issuer, want) => {
    expect(trust.isForeign(found, { names, issuer })).toBe(want);
    expect(trust.isForeign(given, { names, issuer })).toBe(false);
  });
});
