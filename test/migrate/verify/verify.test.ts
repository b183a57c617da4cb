import { describe, expect, test } from "bun:test";
import type { ClusterConfig, Config } from "../../../src/config/model.ts";
import { verifyImport } from "../../../src/migrate/verify/verify.ts";
import { importFixture, loadYaml } from "../fixtures.ts";

type Tamper = (clusters: ClusterConfig[]) => ClusterConfig[];

function change(name: string, more: (cluster: ClusterConfig) => Partial<ClusterConfig>): Tamper {
  return (clusters) => clusters.map((cluster) => (cluster.name === name ? { ...cluster, ...more(cluster) } : cluster));
}

/** Names whose answers differ without a reason when the written configuration is not the one that was planned. */
function caught(fixture: string, tamper: Tamper, settings: Partial<Config> = {}): string[] {
  const result = importFixture(fixture);
  const config = loadYaml(result);
  const tampered = { ...config, ...settings, clusters: tamper([...config.clusters]) };
  return verifyImport(result, tampered)
    .differences.filter(({ reason }) => reason === null)
    .map(({ listener, name }) => `${listener} ${name}`);
}

describe("verifyImport()", () => {
  test.each<readonly [string, Tamper, string]>([
    [
      "nodes of another cluster",
      change("managed1", () => ({ api: [{ host: "192.168.125.40", isName: false }] })),
      "api api.managed1.linuxera.lab",
    ],
    [
      "a node less",
      change("managed1", ({ ingress }) => ({ ingress: ingress?.slice(1) ?? null })),
      "https www.apps.managed1.linuxera.lab",
    ],
    [
      "another port",
      change("hub", ({ ports }) => ({ ports: { ...ports, https: 8443 } })),
      "https www.apps.hub.linuxera.lab",
    ],
    ["a name less", change("hub", () => ({ names: [] })), "http www.apps.hub.linuxera.lab"],
    [
      "a name too much",
      change("hub", ({ names }) => ({ names: [...names, "nobody.example"] })),
      "https nobody.example",
    ],
    [
      "another domain",
      change("managed2", () => ({ domain: "managed3.linuxera.lab" })),
      "api api.managed2.linuxera.lab",
    ],
    ["a redirect", change("managed2", () => ({ redirectHttps: true })), "http www.apps.managed2.linuxera.lab"],
    [
      "a cluster less",
      (clusters) => clusters.filter(({ name }) => name !== "managed2"),
      "api api.managed2.linuxera.lab",
    ],
  ])("finds %s", (_, tamper, name) => {
    expect(caught("article", tamper)).toContain(name);
  });

  test("finds a default that the source has not", () => {
    expect(caught("article", (clusters) => clusters, { defaultCluster: "hub" })).toEqual([
      "api null",
      "api localhost",
      "api kubernetes.default.svc",
      "api 192.0.2.10",
      "http null",
      "https null",
      "https localhost",
      "https kubernetes.default.svc",
      "https 192.0.2.10",
    ]);
  });

  test("finds a listener that is off", () => {
    const off = { listen: { ...loadYaml(importFixture("article")).listen, http: [] } };
    expect(caught("article", (clusters) => clusters, off)).toContain("http www.apps.hub.linuxera.lab");
  });

  test("asks for every name of the source, its near misses and without a name", () => {
    const result = importFixture("article");
    const { asked, differences } = verifyImport(result, loadYaml(result));
    expect(asked).toBeGreaterThan(200);
    expect(differences.find(({ name }) => name === "www.apps.hub.linuxera.lab.evil.example")).toMatchObject({
      source: "be_ingress_hub_80",
      edge: "refused",
      reason: { class: "mistake", code: "unanchored-end", line: 49 },
    });
  });
});
