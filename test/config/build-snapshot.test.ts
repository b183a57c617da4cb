import { describe, expect, test } from "bun:test";
import { nodesFor } from "../../src/config/clusters/service-settings.ts";
import { buildSnapshot, type SnapshotInput } from "../../src/config/build-snapshot.ts";
import { endpointHash } from "../../src/core/balance/hash.ts";
import type { NameClaim, Pool, Snapshot } from "../../src/seam/snapshot.ts";
import { load } from "./loading.ts";
import { SERVICES } from "../../src/seam/services.ts";
import { poolOf, service } from "../support/built-in.ts";
import { buildRoutes, route } from "../../src/core/route/lookup.ts";

/** Cells in the order asked for, remembered by key. */
function cells(): { keys: string[]; cellOf: (key: string) => number } {
  const keys: string[] = [];
  return {
    keys,
    cellOf(key) {
      if (!keys.includes(key)) keys.push(key);
      return keys.indexOf(key);
    },
  };
}

function build(specs: readonly string[], more: Partial<SnapshotInput> = {}, flags: [string, string][] = []): Snapshot {
  const config = load([...specs.map((spec) => ["cluster", spec] as const), ...flags]);
  return buildSnapshot(config, {
    version: 1,
    cellOf: cells().cellOf,
    addressesOf: () => [],
    maxConnections: 100,
    ...more,
  });
}

function names(list: readonly NameClaim[]): readonly string[] {
  return list.map(
    ({ name, cluster, services }) => `${cluster} ${name} ${services.map((index) => SERVICES[index]?.name).join("+")}`,
  );
}

function ports(pool: Pool | null | undefined): readonly string[] {
  return (pool?.endpoints ?? []).map(({ at }) => `${at.ip}:${at.port}`);
}

describe("buildSnapshot()", () => {
  test("claims the names of a cluster whose domain is known", () => {
    const snapshot = build(["hub=10.0.0.1,domain=hub.lab,names=shop.lab,*.web.lab,api-names=kube.lab"]);
    expect(names(snapshot.exact)).toEqual([
      "0 api.hub.lab api",
      "0 api-int.hub.lab api+mcs",
      "0 kube.lab api",
      "0 shop.lab https+http",
    ]);
    expect(names(snapshot.below)).toEqual(["0 apps.hub.lab https+http", "0 web.lab https+http"]);
    expect(snapshot.labels).toEqual([]);
  });

  test("claims labels where no domain is known", () => {
    const snapshot = build(["hub=10.0.0.1", "m1=10.0.0.2,domain=m1.lab"]);
    expect(names(snapshot.labels)).toEqual(["0 api.hub api", "0 api-int.hub api+mcs", "0 apps.hub https+http"]);
    expect(names(snapshot.below)).toEqual(["1 apps.m1.lab https+http"]);
  });

  test("ends the label rule once a domain is learnt", () => {
    const snapshot = build(["hub=10.0.0.1"], { learnedDomains: new Map([["hub", "hub.lab"]]) });
    expect(snapshot.labels).toEqual([]);
    expect(names(snapshot.below)).toEqual(["0 apps.hub.lab https+http"]);
  });

  test("lets a given domain win over a learnt one, and a claim over a domain learnt later", () => {
    const learnedDomains = new Map([
      ["hub", "other.lab"],
      ["m1", "hub.lab"],
      ["m2", "twin.lab"],
      ["m3", "twin.lab"],
    ]);
    const snapshot = build(["hub=10.0.0.1,domain=hub.lab", "m1=10.0.0.2", "m2=10.0.0.3", "m3=10.0.0.4"], {
      learnedDomains,
    });
    expect(names(snapshot.below)).toEqual(["0 apps.hub.lab https+http", "2 apps.twin.lab https+http"]);
    expect(names(snapshot.labels).filter((name) => name.includes("apps."))).toEqual([
      "1 apps.m1 https+http",
      "3 apps.m3 https+http",
    ]);
  });

  test("gives every pool its nodes, port, policy and idle time", () => {
    const [cluster] = build([
      "hub=api=10.0.0.1-2,ingress=10.0.0.3,api-port=7443,https-port=8443,http-port=8080,balance-api=source",
    ]).clusters;
    const [api, https, http, mcs] = cluster?.pools ?? [];
    expect(ports(api)).toEqual(["10.0.0.1:7443", "10.0.0.2:7443"]);
    expect(ports(https)).toEqual(["10.0.0.3:8443"]);
    expect(ports(http)).toEqual(["10.0.0.3:8080"]);
    expect([api?.policy, https?.policy, http?.policy]).toEqual(["source", "source", "host"]);
    expect([api?.idleMs, https?.idleMs, http?.idleMs]).toEqual([86_400_000, 3_600_000, 3_600_000]);
    expect(mcs).toBeNull();
  });

  test("lets nodes without a role join every pool that has no list", () => {
    const [cluster] = build(["hub=10.0.0.8-9,api=10.0.0.1"]).clusters;
    expect(ports(poolOf(cluster, "api"))).toEqual(["10.0.0.1:6443"]);
    expect(ports(poolOf(cluster, "https"))).toEqual(["10.0.0.8:443", "10.0.0.9:443"]);
    expect(ports(poolOf(cluster, "http"))).toEqual(["10.0.0.8:80", "10.0.0.9:80"]);
  });

  test("keeps a pool without nodes, so that its names stay known", () => {
    const snapshot = build(["hub=api=10.0.0.1,domain=hub.lab"]);
    expect(poolOf(snapshot.clusters[0], "https")?.endpoints).toEqual([]);
    expect(names(snapshot.below)).toEqual(["0 apps.hub.lab "]);
    expect(snapshot.below.map(({ vacant }) => vacant)).toEqual([[service("https").index, service("http").index]]);
  });

  test("asks for cells by stable keys", () => {
    const { keys, cellOf } = cells();
    const snapshot = build(["hub=[fd00::1],api=10.0.0.1"], { cellOf });
    expect(keys).toEqual([
      "cluster/hub",
      "cluster/hub/api",
      "cluster/hub/api/10.0.0.1:6443",
      "cluster/hub/https",
      "cluster/hub/https/[fd00::1]:443",
      "cluster/hub/http",
      "cluster/hub/http/[fd00::1]:80",
    ]);
    const endpoint = poolOf(snapshot.clusters[0], "https")?.endpoints[0];
    expect(endpoint).toEqual({
      cell: 4,
      at: { ip: "fd00::1", port: 443 },
      hash: endpointHash("fd00::1", 443),
      node: "fd00::1",
    });
  });

  test("asks only names for their addresses, and counts an address once", () => {
    const asked: string[] = [];
    const addressesOf: SnapshotInput["addressesOf"] = ({ host }) => {
      asked.push(host);
      return ["10.0.0.1", "10.0.0.2", "fd00::9"];
    };
    const [cluster] = build(["hub=api=10.0.0.1,w.lab,ingress=10.0.0.5"], { addressesOf }).clusters;
    expect(asked).toEqual(["w.lab"]);
    expect(poolOf(cluster, "api")?.endpoints.map(({ at, node }) => `${at.ip} ${node}`)).toEqual([
      "10.0.0.1 10.0.0.1",
      "10.0.0.2 w.lab",
      "fd00::9 w.lab",
    ]);
  });

  test("sends unnamed connections to the default cluster, but never to a machine-config server", () => {
    const specs = ["hub=10.0.0.1", "m1=10.0.0.2"];
    expect(build(specs).fallback).toEqual([-1, -1, -1, -1]);
    expect(build(specs, {}, [["default", "m1"]]).fallback).toEqual([1, 1, 1, -1]);
  });

  test("has an mcs pool of API nodes where its listener is on, and PROXY headers for ingress only", () => {
    const config = load([["cluster", "hub=api=10.0.0.1,ingress=10.0.0.2"]]);
    const [cluster] = buildSnapshot(
      {
        ...config,
        clusters: config.clusters.map((each) => ({ ...each, sendProxy: 2 })),
        listen: { ...config.listen, mcs: [{ ip: "192.168.125.1", port: 22_623 }] },
      },
      { version: 1, cellOf: cells().cellOf, addressesOf: () => [], maxConnections: 1 },
    ).clusters;
    const [api, https, http, mcs] = cluster?.pools ?? [];
    expect(ports(mcs)).toEqual(["10.0.0.1:22623"]);
    expect([api, https, http, mcs].map((pool) => pool?.sendProxy)).toEqual([0, 2, 2, 0]);
    expect([mcs?.policy, mcs?.idleMs]).toEqual(["leastconn", 86_400_000]);
  });

  test("gives a service that is none of the built-in ones its names, pool, port and fallback", () => {
    const config = load([
      ["cluster", "hub=10.0.0.1,domain=hub.lab"],
      ["default", "hub"],
    ]);
    const rke2 = { ...service("api"), name: "rke2", index: SERVICES.length, address: "off", port: 9_345 };
    const snapshot = buildSnapshot(
      {
        ...config,
        services: [...SERVICES, rke2],
        listen: Object.assign({ rke2: [{ ip: "", port: 9_345 }] }, config.listen),
      },
      { version: 1, cellOf: cells().cellOf, addressesOf: () => [], maxConnections: 1 },
    );
    const routes = buildRoutes(snapshot);
    expect(route(routes, rke2.index, "api.hub.lab", "")?.cluster).toBe(0);
    expect(route(routes, rke2.index, "a.apps.hub.lab", "")).toBeNull();
    expect(snapshot.fallback[rke2.index]).toBe(0);
    const pool = snapshot.clusters[0]?.pools[rke2.index];
    expect(ports(pool)).toEqual(["10.0.0.1:9345"]);
    expect([pool?.policy, pool?.idleMs]).toEqual(["leastconn", 86_400_000]);
  });

  test("carries limits, timeouts and access, and is plain enough to be cloned", () => {
    const flags: [string, string][] = [
      ["max-connections-per-client", "7"],
      ["timeout", "hello=6s"],
      ["allow", "10.0.0.0/8"],
      ["trusted-proxies", "10.1.1.1"],
      ["accept-proxy", "10.1.1.2"],
      ["forwarded", "on"],
    ];
    const snapshot = build(
      ["hub=10.0.0.1,max-connections=9,all-down=refuse,redirect-https=on,allow=10.2.0.0/16"],
      { version: 42 },
      flags,
    );
    expect(snapshot.version).toBe(42);
    expect(snapshot).toMatchObject({ forwarded: true, maxConnections: 100, maxConnectionsPerClient: 7 });
    expect(snapshot.limits).toEqual({
      helloBytes: 65_536,
      httpLine: 8_192,
      httpHead: 65_536,
      httpFields: 128,
    });
    expect(snapshot.timeouts).toEqual({
      hello: 6000,
      connect: 3000,
      dialTotal: 8000,
      httpHead: 10_000,
      httpBody: 30_000,
      keepAlive: 60_000,
      halfClosed: 30_000,
      wake: 8000,
      linger: 1000,
    });
    expect(snapshot.clusters[0]).toMatchObject({ maxConnections: 9, allDown: "refuse", redirectHttps: true });
    expect([
      snapshot.allow.length,
      snapshot.trustedProxies.length,
      snapshot.acceptProxy.length,
      snapshot.clusters[0]?.allow.length,
    ]).toEqual([1, 1, 1, 1]);
    expect(structuredClone(snapshot)).toEqual(snapshot);
  });
});

describe("nodesFor()", () => {
  test("gives mcs the nodes of the API", () => {
    const [cluster] = load([["cluster", "hub=10.0.0.9,api=10.0.0.1"]]).clusters;
    expect(cluster && nodesFor(cluster, service("mcs")).map(({ host }) => host)).toEqual(["10.0.0.1"]);
  });
});
