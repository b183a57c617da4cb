import { describe, expect, test } from "bun:test";
import { HEALTH } from "../../../src/seam/board.ts";
import { bench, clusterConfig, configOf, nodes, snapshotOf, WELL, type Behaviour } from "./bench.ts";
import { service } from "../../support/built-in.ts";

const shows = (...names: readonly string[]): Behaviour => ({ ...WELL, names });
const two = configOf([
  clusterConfig("hub", { nodes: nodes("10.0.0.20", "10.0.0.21") }),
  clusterConfig("managed1", { nodes: nodes("10.0.0.30") }),
]);

describe("identity", () => {
  test("an address that another cluster's node got is foreign after one probe, and its tunnels end", async () => {
    const lab = bench(two, {
      "10.0.0.20": shows("api.hub.lab", "*.apps.hub.lab"),
      "10.0.0.21": shows("api.hub.lab", "*.apps.hub.lab"),
      "10.0.0.30": shows("api.managed1.lab", "*.apps.managed1.lab"),
    });
    await lab.clock.pass(12_000);
    expect(lab.view("api", "10.0.0.20")).toMatchObject({ state: "up", identity: "proven" });
    lab.net.set("10.0.0.20", shows("api.managed1.lab", "*.apps.managed1.lab"));
    lab.health.dialFailed(lab.view("api", "10.0.0.20").cell, "other"); // any probe will do
    await lab.clock.pass(10);
    const api = lab.view("api", "10.0.0.20");
    expect(api).toMatchObject({ state: "foreign", reason: "shows another cluster's certificate", identity: "foreign" });
    expect(lab.board.health[api.cell]).toBe(HEALTH.foreign);
    expect(lab.cuts).toContainEqual(expect.objectContaining({ cell: api.cell, afterMs: 0 }));
    expect(lab.lines.some((line) => line.includes("10.0.0.20 shows the certificate of managed1"))).toBe(true);
    lab.net.set("10.0.0.20", shows("api.hub.lab", "*.apps.hub.lab"));
    await lab.clock.pass(15_000);
    expect(lab.view("api", "10.0.0.20")).toMatchObject({ state: "up", identity: "proven" });
    lab.health.stop();
  });

  test("foreign from the start: never up, never used", async () => {
    const lab = bench(two, { "10.0.0.20": shows("*.apps.managed1.lab"), "10.0.0.21": shows("*.apps.hub.lab") });
    await lab.clock.pass(60_000);
    expect(lab.states("https").slice(0, 2)).toEqual(["foreign", "up"]);
    expect(lab.states("http").slice(0, 2)).toEqual(["foreign", "up"]);
    lab.health.stop();
  });

  test("an API server with general names is asked for the others' names: theirs makes it foreign", async () => {
    const general = ["kubernetes", "kubernetes.default.svc"];
    const lab = bench(two, {
      "api 10.0.0.20": {
        ...shows(...general),
        present: (name) => (name === "api.managed1.lab" ? ["api.managed1.lab"] : general),
      },
      "api 10.0.0.21": shows(...general),
    });
    await lab.clock.pass(1_000);
    expect(lab.view("api", "10.0.0.20")).toMatchObject({ state: "foreign", identity: "foreign" });
    expect(lab.view("api", "10.0.0.21")).toMatchObject({ state: "up", identity: "unproven" });
    lab.health.stop();
  });

  test("a domain is learnt from the certificate, told once, and used in the next probe", async () => {
    const config = configOf([clusterConfig("hub", { domain: null, nodes: nodes("10.0.0.20", "10.0.0.21") })]);
    const lab = bench(config, {
      "10.0.0.20": shows("*.apps.hub-cluster.linuxera.lab"),
      "10.0.0.21": shows("*.apps.hub-cluster.linuxera.lab"),
    });
    expect(lab.health.domainOf("hub")).toBeNull();
    await lab.clock.pass(6_000);
    expect(lab.learnt).toEqual([["hub", "hub-cluster.linuxera.lab"]]);
    expect(lab.health.domainOf("hub")).toBe("hub-cluster.linuxera.lab");
    expect(lab.health.clusters()[0]).toMatchObject({ domain: "hub-cluster.linuxera.lab", learnt: true });
    const ingress = lab.probes.filter(({ family }) => family === "ingress").map(({ servername }) => servername);
    expect(ingress[0]).toBeNull();
    expect(ingress.at(-1)).toBe("console-openshift-console.apps.hub-cluster.linuxera.lab");
    expect(lab.probes.findLast(({ family }) => family === "api")?.servername).toBe("api.hub-cluster.linuxera.lab");
    lab.health.update(config, snapshotOf(config));
    expect(lab.health.domainOf("hub")).toBe("hub-cluster.linuxera.lab");
    lab.health.stop();
  });

  test("warns of certificates that end soon or have ended, once", async () => {
    const wall = 1.7e12 + 1_000_000;
    const day = 86_400_000;
    const lab = bench(two, {
      "10.0.0.20": { ...shows("*.apps.hub.lab"), notAfterMs: wall + 3 * day },
      "10.0.0.30": { ...shows("*.apps.managed1.lab"), notAfterMs: wall - day },
    });
    await lab.clock.pass(7_300_000);
    const told = lab.lines.filter((line) => line.includes("certificate"));
    expect(told.sort()).toEqual([
      "hub: the API certificate expires on 2023-11-17",
      "hub: the ingress certificate expires on 2023-11-17",
      "managed1: the API certificate expired on 2023-11-13",
      "managed1: the ingress certificate expired on 2023-11-13",
    ]);
    const [hub] = lab.health.clusters();
    expect(hub?.certificates).toContainEqual({ group: service("https").group, notAfterMs: wall + 3 * day });
    expect(hub?.warnings).toHaveLength(2);
    lab.health.stop();
  });

  test("warns when one certificate with HTTP/2 covers two clusters, and says what to do", async () => {
    const both = { ...shows("*.apps.hub.lab", "*.apps.managed1.lab"), offersH2: true };
    const lab = bench(two, { "10.0.0.20": both, "10.0.0.21": both, "10.0.0.30": both });
    await lab.clock.pass(3_000);
    expect(lab.states("https")).toEqual(["up", "up", "up"]);
    const told = lab.lines.filter((line) => line.includes("HTTP/2"));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("give each cluster a certificate of its own");
    expect(lab.health.clusters().map(({ warnings }) => warnings.length)).toEqual([1, 1]);
    lab.health.stop();
  });

  test.each(["hub.linuxera.lab", "hub-clustre.linuxera.lab"])(
    "warns when nodes show certificates for another domain than %s, with the key to write (13 C1)",
    async (domain) => {
      const config = configOf([clusterConfig("hub", { domain, nodes: nodes("10.0.0.20") })]);
      const lab = bench(config, { "10.0.0.20": shows("*.apps.hub-cluster.linuxera.lab") });
      await lab.clock.pass(3_000);
      const text = `its nodes show certificates for hub-cluster.linuxera.lab, not for ${domain}, so clients refuse them; write domain=hub-cluster.linuxera.lab`;
      expect(lab.health.clusters()[0]?.warnings).toEqual([text]);
      expect(lab.lines).toContain(`hub: ${text}`);
      lab.health.stop();
    },
  );

  test("one recycled address does not name its cluster; an early choice is corrected and the rest is a warning", async () => {
    const config = configOf([
      clusterConfig("hub", { domain: null, nodes: nodes("10.0.0.20", "10.0.0.21", "10.0.0.22") }),
    ]);
    const lab = bench(config, { "10.0.0.20": shows("*.apps.gone.lab") });
    await lab.clock.pass(3_000);
    expect(lab.health.domainOf("hub")).toBe("gone.lab");
    for (const ip of ["10.0.0.21", "10.0.0.22"]) lab.net.set(ip, shows("*.apps.hub-cluster.lab"));
    await lab.clock.pass(40_000);
    expect(lab.health.domainOf("hub")).toBe("hub-cluster.lab");
    expect(lab.lines).toContain(
      "hub: domain hub-cluster.lab instead of gone.lab, learnt from the certificate its ingress shows",
    );
    expect(lab.health.clusters()[0]?.warnings).toEqual([
      "its domain was learnt to be hub-cluster.lab, but its ingress also shows gone.lab (1 node); give it with domain= if that is wrong",
    ]);
    lab.health.stop();
  });

  test("a domain that two clusters' nodes show goes to the one where most do, and the other's node is foreign", async () => {
    const config = configOf([
      clusterConfig("one", { domain: null, nodes: nodes("10.0.0.20", "10.0.0.21", "10.0.0.22") }),
      clusterConfig("two", { domain: null, nodes: nodes("10.0.0.30", "10.0.0.31") }),
    ]);
    const lab = bench(config, {
      "10.0.0.20": shows("*.apps.two.lab"),
      "10.0.0.21": shows("*.apps.one.lab"),
      "10.0.0.22": shows("*.apps.one.lab"),
      "10.0.0.30": shows("*.apps.two.lab"),
      "10.0.0.31": shows("*.apps.two.lab"),
    });
    await lab.clock.pass(15_000);
    expect(["one", "two"].map((name) => lab.health.domainOf(name))).toEqual(["one.lab", "two.lab"]);
    expect(lab.states("https")).toEqual(["foreign", "up", "up", "up", "up"]);
    lab.health.stop();
  });

  test("a node that is removed while its certificate is being judged leaves nothing behind", async () => {
    const general = ["kubernetes"];
    const ends = 3e12;
    let remove = (): void => undefined;
    const present = (): readonly string[] => {
      remove();
      return general;
    };
    const lab = bench(two, {
      "api 10.0.0.20": { ...shows(...general), notAfterMs: ends, present },
      "api 10.0.0.21": shows("api.hub.lab"),
    });
    const rest = configOf([clusterConfig("hub", { nodes: nodes("10.0.0.21") }), ...two.clusters.slice(1)]);
    remove = () => lab.health.update(rest, snapshotOf(rest));
    await lab.clock.pass(1_000);
    expect(lab.health.endpoints().some(({ ip }) => ip === "10.0.0.20")).toBe(false);
    const ending = lab.health.clusters().flatMap(({ certificates }) => certificates.map((each) => each.notAfterMs));
    expect(ending).not.toContain(ends);
    lab.health.stop();
  });
});
