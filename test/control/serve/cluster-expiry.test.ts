import { describe, expect, test } from "bun:test";
import { ClusterExpiry } from "../../../src/control/serve/cluster-expiry.ts";
import { clusterConfig } from "../health/bench.ts";

const HOUR = 3_600_000;

function bench() {
  const clock = { now: 1_000, wall: Date.parse("2026-12-01T12:00:00Z") };
  const expiry = new ClusterExpiry({ nowMs: () => clock.now, wallMs: () => clock.wall });
  const serve = (...clusters: Parameters<typeof clusterConfig>[]) => ({
    clusters: clusters.map((each) => clusterConfig(...each)),
  });
  const pass = (ms: number): void => {
    clock.now += ms;
    clock.wall += ms;
  };
  return { expiry, clock, serve, pass };
}

describe("ClusterExpiry", () => {
  test("ends a ttl that began when the cluster was seen first, whatever is reloaded meanwhile", () => {
    const { expiry, serve, pass } = bench();
    expect(expiry.look(serve(["hub", { ttlMs: HOUR }], ["more"])).size).toBe(0);
    pass(HOUR - 1);
    expect(expiry.look(serve(["hub", { ttlMs: HOUR }], ["more"])).size).toBe(0);
    pass(1);
    expect([...expiry.look(serve(["hub", { ttlMs: HOUR }], ["more"]))]).toEqual([["hub", "ttl 1h"]]);
  });

  test("counts a ttl by the monotonic clock and a time by the wall clock", () => {
    const { expiry, serve, clock } = bench();
    const lab = serve(["hub", { ttlMs: HOUR }], ["more", { untilMs: Date.parse("2026-12-01T18:00:00Z") }]);
    expiry.look(lab);
    clock.wall += 7 * HOUR;
    expect([...expiry.look(lab).keys()]).toEqual(["more"]);
  });

  test.each([
    ["another ttl", { ttlMs: 2 * HOUR }],
    ["none at all", {}],
  ])("begins anew with %s", (_, change) => {
    const { expiry, serve, pass } = bench();
    expiry.look(serve(["hub", { ttlMs: HOUR }]));
    pass(HOUR);
    expect(expiry.look(serve(["hub", change])).size).toBe(0);
  });

  test("begins anew when the cluster is added once more", () => {
    const { expiry, serve, pass } = bench();
    const lab = serve(["hub", { ttlMs: HOUR }]);
    expiry.look(lab);
    pass(HOUR);
    expiry.renew("hub");
    expect(expiry.look(lab).size).toBe(0);
    expect(expiry.at("hub")).toBe(Date.parse("2026-12-01T14:00:00Z"));
  });

  test("says when a cluster leaves", () => {
    const { expiry, serve, pass } = bench();
    const untilMs = Date.parse("2026-12-01T18:00:00Z");
    expiry.look(serve(["hub", { ttlMs: HOUR }], ["more", { untilMs }], ["stays"]));
    pass(60_000);
    expect(["hub", "more", "stays"].map((name) => expiry.at(name))).toEqual([
      Date.parse("2026-12-01T13:00:00Z"),
      untilMs,
      null,
    ]);
  });
});
