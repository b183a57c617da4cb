import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { claimsOf, nameSetsOf } from "../../../src/config/clusters/claims.ts";
import type { Config } from "../../../src/config/model.ts";
import { exportHaproxy } from "../../../src/migrate/export/haproxy.ts";
import { Edge } from "../../../src/migrate/verify/edge.ts";
import { importFixture, importText, loadFlags, loadYaml } from "../fixtures.ts";
import { CONFIGS, load } from "./configs.ts";

const NO_STAND_INS: ReadonlyMap<string, string> = new Map();
const CLIENTS = ["203.0.113.77", "10.1.2.3"];

/** What a claim takes, and what lies beside it. */
function namesOf(config: Config): (string | null)[] {
  const claimed = config.clusters.flatMap((cluster) =>
    claimsOf(cluster, nameSetsOf(config.services)).flatMap(({ rule, name }) => {
      if (rule === "exact") return [name, `below.${name}`];
      if (rule === "below") return [`www.${name}`, `a.b.${name}`, name];
      if (rule === "rest") return [];
      return name.startsWith("apps.") ? [`www.${name}.x.lab`, `www.${name}`] : [`${name}.x.lab`, name];
    }),
  );
  return [null, "nobody.example", "localhost", "kubernetes.default.svc", "192.0.2.10", ...new Set(claimed)];
}

/** Where every name leads on every service, for clients inside and outside of lists. */
function answers(config: Config, names: readonly (string | null)[]): string[] {
  const edge = new Edge(config, NO_STAND_INS);
  return config.services.flatMap(({ name: service }) =>
    names.flatMap((name) =>
      CLIENTS.map((client) => `${service} ${name} ${client}: ${edge.answer(service, name, client).reached}`),
    ),
  );
}

function expectSame(config: Config): void {
  const names = namesOf(config);
  const text = exportHaproxy(config);
  const result = importText(text);
  const cannot = result.notes.filter((note) => note.class === "cannot").map(({ text: line, why }) => `${line}: ${why}`);
  expect({ cannot, answers: answers(loadYaml(result), names) }).toEqual({
    cannot: [],
    answers: answers(config, names),
  });
}

function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name.localeCompare(other.name);
}

/** A cluster as flags have it, of the shapes that people write. */
const cluster = fc.record({
  domain: fc.boolean(),
  nodes: fc.constantFrom("one", "api+ingress", "api", "ingress", "https+http", "https"),
  names: fc.constantFrom("", "shop.N.example", "*.shop.N.example", "shop.N.example,*.deep.shop.N.example"),
  more: fc.constantFrom(
    "",
    "https-port=8443",
    "allow=10.0.0.0/8",
    "redirect-https=on",
    "balance-https=leastconn",
    "send-proxy=v2",
  ),
});

const config = fc.record({
  clusters: fc.array(cluster, { minLength: 1, maxLength: 4 }),
  defaultOf: fc.constantFrom("", "c0", "https=c0", "http=c0"),
  rest: fc.constantFrom("", "c0"),
  more: fc.constantFrom("", "allow", "client-limit", "http off", "api off"),
});

const MORE: Readonly<Record<string, string[]>> = {
  allow: ["--allow", "10.0.0.0/8"],
  "client-limit": ["--max-connections-per-client", "64"],
  "http off": ["--listen", "http=off"],
  "api off": ["--listen", "api=off"],
};

/** PROXY headers go to routers only; who has no nodes on port 80 redirects nobody there. */
function fitsNodes({ more, nodes }: { readonly more: string; readonly nodes: string }): boolean {
  if (more === "send-proxy=v2") return nodes !== "api";
  return more !== "" && (more !== "redirect-https=on" || (nodes !== "api" && nodes !== "https"));
}

function wordsOf({
  clusters,
  defaultOf,
  rest,
  more,
}: typeof config extends fc.Arbitrary<infer T> ? T : never): string[] {
  const flags = clusters.flatMap((one, index) => {
    const [api, ingress, other] = [1, 2, 3].map((part) => `10.${index}.${part}.1-2`);
    const nodes = {
      one: `${api}`,
      "api+ingress": `api=${api},ingress=${ingress}`,
      api: `api=${api}`,
      ingress: `ingress=${ingress}`,
      "https+http": `api=${api},https=${ingress},http=${other}`,
      https: `https=${ingress}`,
    }[one.nodes];
    const names = [
      ...(one.names === "" ? [] : [one.names.replaceAll("N", `c${index}`)]),
      ...(rest === `c${index}` ? ["*"] : []),
    ];
    const parts = [
      nodes,
      ...(one.domain ? [`domain=c${index}.lab.example`] : []),
      ...(names.length > 0 ? [`names=${names.join(",")}`] : []),
      ...(fitsNodes(one) ? [one.more] : []),
    ];
    return ["--cluster", `c${index}=${parts.join(",")}`];
  });
  return [...flags, ...(defaultOf === "" ? [] : ["--default", defaultOf]), ...(MORE[more] ?? [])];
}

describe("importHaproxy() of exportHaproxy()", () => {
  test.each(CONFIGS)("gives the routes and nodes of %s", (_, words) => {
    expectSame(load(words));
  });

  test("gives the routes and nodes of the article", () => {
    expectSame(loadYaml(importFixture("article")));
  });

  test("keeps names of clusters, accept-proxy, max-connections and further services", () => {
    const before = loadFlags([
      "--default",
      "ocp-4",
      "--accept-proxy",
      "10.8.0.0/16,10.9.9.9",
      "--listen",
      "rke2=:9345",
      "--cluster",
      "ocp-4=10.1.0.1-3,domain=ocp-4.lab,max-connections=50",
      "--cluster",
      "insecure-1=domain=ins.lab,api=10.2.0.1,ingress=10.2.0.2",
      "--cluster",
      "k8s=10.3.0.1,domain=deep.k8s.x.test",
    ]);
    expectSame(before);
    const after = loadYaml(importText(exportHaproxy(before)));
    const kept = ({ clusters, acceptProxy, services, listen }: Config): unknown => ({
      clusters: clusters.map(({ name, domain, maxConnections }) => ({ name, domain, maxConnections })).sort(byName),
      acceptProxy,
      services: services.map(({ name }) => name),
      listen,
    });
    expect(kept(after)).toEqual(kept(before));
  });

  test("gives the routes and nodes of any configuration of the generator", () => {
    fc.assert(
      fc.property(config, (one) => expectSame(loadFlags(wordsOf(one)))),
      { numRuns: 60 },
    );
  }, 60_000);
});
