import { describe, expect, test } from "bun:test";
import { ageText, statusText } from "../../../src/cli/live/status-table.ts";
import type { EndpointStatus } from "../../../src/control/status/pool-report.ts";
import type { Status } from "../../../src/control/status/report.ts";

const TRAFFIC = { active: 2, total: 40, bytesUp: 1, bytesDown: 2 };
const HEALTH = { state: "up", reason: "/readyz 200", sinceSeconds: 9 } as const;

function endpoint(node: string, more: Partial<EndpointStatus> = {}): EndpointStatus {
  const fixed = { ip: node, port: 6443, role: "sensed", identity: "proven", failures: 0, lastFailure: null } as const;
  return { node, ...fixed, ...HEALTH, ...TRAFFIC, ...more };
}

/** As much of it as the table shows. */
const STATUS = {
  version: 1,
  release: "0.1.0",
  pid: 4711,
  engine: "linux",
  workers: 2,
  started: "2026-11-23T20:46:00.000Z",
  uptimeSeconds: 7_500,
  stopping: false,
  file: null,
  snapshot: 3,
  reload: { done: 0, failed: 0, lastTime: null, lastError: null, lastMs: null },
  connections: { open: 14, limit: 15_934 },
  rates: { connections: 1, bytesUp: 2, bytesDown: 3 },
  listeners: [{ kind: "api", address: ":6443", connections: 3, total: 120 }],
  clusters: [
    {
      name: "hub",
      domain: "hub.lab",
      learnt: true,
      layer: "file",
      from: "lab.yaml:4:3",
      maxConnections: 0,
      ...HEALTH,
      ...TRAFFIC,
      rates: { connections: 1, bytesUp: 2, bytesDown: 3 },
      certificate: { notAfter: "2027-01-02T03:04:05.000Z" },
      certificates: [],
      warnings: ["the API certificate expires on 2027-01-02"],
      pools: [
        {
          kind: "api",
          policy: "leastconn",
          rung: "readyz",
          ...HEALTH,
          ...TRAFFIC,
          endpoints: [
            endpoint("192.168.125.20"),
            endpoint("cp1.lab", {
              ip: "192.168.125.21",
              state: "dead",
              reason: "connection refused",
              failures: 2,
              lastFailure: { error: "refused", time: "" },
            }),
            endpoint("192.168.125.23", { role: "absent", state: "dead", reason: "no route" }),
          ],
        },
      ],
    },
  ],
  unknownNames: [{ listener: "https", name: "x.y", count: 3, lastClient: "10.0.0.9", lastTime: "", nearest: null }],
} as unknown as Status;

describe("statusText()", () => {
  test("aligns what there is; nodes that no pool has stand below it (13 C3)", () => {
    expect(statusText(STATUS)).toBe(
      `edge-lb 0.1.0, pid 4711, engine linux, 2 workers, up 2h 5m, 14 of 15934 connections

LISTENER  ADDRESS  OPEN  TOTAL
api       :6443    3     120

hub: hub.lab (learnt), up, from file, certificate until 2027-01-02
  warning: the API certificate expires on 2027-01-02
  POOL  NODE                      STATE  SINCE  OPEN  TOTAL  WHY
  api   192.168.125.20            up     9s     2     40     /readyz 200
        cp1.lab (192.168.125.21)  dead   9s     2     40     connection refused; 2 failed dials, the last refused
  serving nothing: 192.168.125.23 (no route)

UNKNOWN ON  NAME  COUNT  LAST CLIENT  NEAREST
https       x.y   3      10.0.0.9     -
`,
    );
  });

  test("says where clusters are looked for, and what was found that belongs to none", () => {
    const sources = [
      { source: "net:192.168.125.0/24", addresses: 254, fault: null },
      { source: "libvirt", addresses: null, fault: "there is no program virsh" },
      { source: "kubeconfig:lab", addresses: null, fault: null },
    ];
    const notes = ["foreign: 192.168.125.66 shows api.hub.lab"];
    expect(statusText({ ...STATUS, discovery: { sources, notes } })).toContain(
      `DISCOVER              ADDRESSES  STATE
net:192.168.125.0/24  254        ok
libvirt               -          there is no program virsh
kubeconfig:lab        -          is being asked
  foreign: 192.168.125.66 shows api.hub.lab
`,
    );
  });

  test("says that it stops, and that the file is wrong", () => {
    const reload = { ...STATUS.reload, failed: 1, lastError: "lab.yaml:1:1: Cannot" };
    const text = statusText({ ...STATUS, stopping: true, file: "lab.yaml", reload });
    expect(text).toContain("connections, stopping\nlast reload of lab.yaml changed nothing: lab.yaml:1:1: Cannot\n");
  });
});

describe("ageText()", () => {
  test.each([
    [0, "0s"],
    [59, "59s"],
    [60, "1m"],
    [3_599, "59m"],
    [3_600, "1h 0m"],
    [86_399, "23h 59m"],
    [90_000, "1d 1h"],
  ])("%d", (seconds, want) => {
    expect(ageText(seconds)).toBe(want);
  });
});
