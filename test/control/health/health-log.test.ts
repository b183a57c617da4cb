/** What the log says of health, and when. */
import { describe, expect, test } from "bun:test";
import { LEFT_AFTER_MS } from "../../../src/core/health/roles.ts";
import {
  bench,
  clusterConfig,
  configOf,
  nodes,
  NOT_READY,
  REFUSING,
  SILENT,
  snapshotOf,
  WELL,
  type Bench,
} from "./bench.ts";
import { poolOf } from "../../support/built-in.ts";

const HUB = ["10.0.0.20", "10.0.0.21", "10.0.0.22"];
const wellHub = (...ips: readonly string[]): Bench =>
  bench(configOf([clusterConfig("hub", { nodes: nodes(...ips) })]), Object.fromEntries(ips.map((ip) => [ip, WELL])));

describe("the log", () => {
  test("says who serves what, once", async () => {
    const lab = bench(configOf([clusterConfig("hub", { nodes: nodes(...HUB, "10.0.0.23") })]), {
      "api 10.0.0.20": WELL,
      "api 10.0.0.21": WELL,
      "ingress 10.0.0.22": WELL,
      "ingress 10.0.0.23": WELL,
    });
    await lab.clock.pass(60_000);
    expect(lab.lines).toEqual([
      "hub: api up on 10.0.0.20, 10.0.0.21: /readyz 200",
      "hub: https up on 10.0.0.22, 10.0.0.23: /healthz/ready 200",
      "hub: http up on 10.0.0.22, 10.0.0.23: /healthz/ready 200",
    ]);
    expect(lab.view("api", "10.0.0.23").role).toBe("absent");
    expect(lab.view("https", "10.0.0.20").role).toBe("absent");
    lab.health.stop();
  });

  test("has one node's change as soon as it is known", async () => {
    const lab = wellHub(...HUB);
    await lab.clock.pass(20_000);
    lab.lines.length = 0;
    lab.net.set("api 10.0.0.20", NOT_READY);
    const { cell } = lab.view("api", "10.0.0.20");
    lab.health.probeSoon(cell);
    await lab.clock.pass(1_600); // two probes
    expect(lab.view("api", "10.0.0.20").state).toBe("not-ready");
    expect(lab.lines).toEqual(["hub: api not-ready on 10.0.0.20: /readyz 500"]);
    lab.health.stop();
  });

  test("has a cluster that is switched off in one line, and few when it is back", async () => {
    const lab = wellHub(...HUB);
    await lab.clock.pass(20_000);
    lab.lines.length = 0;
    for (const ip of HUB) lab.net.set(ip, SILENT);
    await lab.clock.pass(60_000);
    expect(lab.lines).toEqual(["hub: all 3 nodes are down: no answer within 2s"]);
    expect(lab.cuts).toHaveLength(9);
    lab.lines.length = 0;
    for (const ip of HUB) lab.net.set(ip, WELL);
    await lab.clock.pass(60_000);
    expect(lab.lines.length).toBeWithin(3, 10);
    lab.health.stop();
  });

  test("has a cluster of one node that is switched off in one line", async () => {
    const lab = wellHub("10.0.0.20");
    await lab.clock.pass(20_000);
    lab.lines.length = 0;
    lab.net.set("10.0.0.20", REFUSING);
    await lab.clock.pass(60_000);
    expect(lab.lines).toEqual(["hub: its node is down: connection refused"]);
    lab.health.stop();
  });

  test("has a node that dies in one line for each pool it leaves, with the reason", async () => {
    const lab = wellHub(...HUB);
    await lab.clock.pass(20_000);
    lab.lines.length = 0;
    lab.net.set("10.0.0.21", REFUSING);
    await lab.clock.pass(30_000);
    expect(lab.lines.sort()).toEqual([
      "hub: api down on 10.0.0.21: connection refused",
      "hub: http down on 10.0.0.21: connection refused",
      "hub: https down on 10.0.0.21: connection refused",
    ]);
    lab.health.stop();
  });

  test("has an address that went to another cluster in one line for the node", async () => {
    const two = configOf([
      clusterConfig("hub", { nodes: nodes(...HUB) }),
      clusterConfig("managed1", { nodes: nodes("10.0.0.30") }),
    ]);
    const lab = bench(two, Object.fromEntries(HUB.map((ip) => [ip, { ...WELL, names: ["*.apps.hub.lab"] }])));
    await lab.clock.pass(20_000);
    lab.lines.length = 0;
    lab.net.set("10.0.0.20", { ...WELL, names: ["*.apps.managed1.lab"] });
    lab.health.probeSoon(lab.view("https", "10.0.0.20").cell);
    await lab.clock.pass(200);
    for (const kind of ["api", "https", "http"] as const) expect(lab.view(kind, "10.0.0.20").state).toBe("foreign");
    expect(lab.lines.filter((line) => line.includes("certificate of managed1"))).toHaveLength(1);
    lab.health.stop();
  });
});

describe("roles", () => {
  const roles = (lab: Bench, kind: "api" | "https"): readonly string[] =>
    lab.health
      .endpoints()
      .filter((each) => each.kind === kind)
      .map(({ role }) => role);

  test("a compact cluster's nodes serve everything, and so does a single node", async () => {
    for (const ips of [HUB, ["10.0.0.20"]]) {
      const lab = wellHub(...ips);
      await lab.clock.pass(1_000);
      for (const kind of ["api", "https"] as const) expect(roles(lab, kind)).toEqual(ips.map(() => "sensed"));
      lab.health.stop();
    }
  });

  test("a worker that appears later joins the pools it serves", async () => {
    const lab = bench(configOf([clusterConfig("hub", { nodes: nodes(...HUB) })]), {
      "10.0.0.20": WELL,
      "10.0.0.21": WELL,
    });
    await lab.clock.pass(60_000);
    expect([roles(lab, "api"), roles(lab, "https")]).toEqual([
      ["sensed", "sensed", "absent"],
      ["sensed", "sensed", "absent"],
    ]);
    lab.lines.length = 0;
    lab.net.set("ingress 10.0.0.22", WELL);
    await lab.clock.pass(35_000);
    expect([roles(lab, "api"), roles(lab, "https")]).toEqual([
      ["sensed", "sensed", "absent"],
      ["sensed", "sensed", "sensed"],
    ]);
    expect(lab.lines).toEqual([
      "hub: https up on 10.0.0.22: /healthz/ready 200",
      "hub: http up on 10.0.0.22: /healthz/ready 200",
    ]);
    lab.health.stop();
  });

  test("bootstrap leaves once it has been gone for long, and is not missed", async () => {
    const bootstrap = "10.0.0.19";
    const lab = bench(configOf([clusterConfig("hub", { nodes: nodes(bootstrap, ...HUB) })]), {
      [`api ${bootstrap}`]: WELL,
      ...Object.fromEntries(HUB.map((ip) => [ip, WELL])),
    });
    await lab.clock.pass(20_000);
    expect(roles(lab, "api")).toEqual(["sensed", "sensed", "sensed", "sensed"]);
    expect(roles(lab, "https")).toEqual(["absent", "sensed", "sensed", "sensed"]);
    lab.net.set(`api ${bootstrap}`, REFUSING);
    await lab.clock.pass(LEFT_AFTER_MS - 60_000);
    expect(roles(lab, "api")[0]).toBe("sensed");
    lab.lines.length = 0;
    await lab.clock.pass(120_000);
    expect(roles(lab, "api")).toEqual(["absent", "sensed", "sensed", "sensed"]);
    expect(lab.lines).toEqual([`hub: ${bootstrap} has left the api pool: connection refused for 15 minutes`]);
    lab.health.stop();
  });

  test("a pool's cell counts its members alone", async () => {
    const config = configOf([clusterConfig("hub", { nodes: nodes(...HUB) })]);
    const plan = snapshotOf(config).clusters[0];
    const lab = bench(config, { "10.0.0.20": WELL, "api 10.0.0.21": WELL });
    const members = (kind: "api" | "http"): number => lab.board.members[poolOf(plan, kind)?.cell ?? -1] ?? -1;
    expect(members("api")).toBe(3);
    await lab.clock.pass(20_000);
    expect([members("api"), members("http")]).toEqual([2, 1]);
    lab.health.stop();
  });
});
