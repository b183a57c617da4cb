import { describe, expect, test } from "bun:test";
import { textOf } from "../../scripts/fuzz/session-lab.ts";
import type { PORTS } from "./service-lab.ts";
import { startLab, type Lab } from "./service-lab.ts";

const OWED = new TextEncoder().encode("POST / HTTP/1.1\r\nHost: a.apps.hub.lab\r\nContent-Length: 3\r\n\r\na");
const ALERT = "\x15\x03\x03\x00\x02\x02\x50";

/** Three services listen: of 24 connections two are kept for each. */
function start(most: number): Lab {
  const lab = startLab("--cluster hub=10.0.1.1,domain=hub.lab", `--max-connections ${most}`);
  for (const kind of ["api", "https", "http"] as const) lab.node("10.0.1.1", kind);
  return lab;
}

/** So many new connections, which stay. @returns how many were let in. */
function enter(lab: Lab, kind: keyof typeof PORTS, count: number): number {
  const clients = Array.from({ length: count }, () => lab.connect(kind));
  for (const client of clients) if (kind === "http") client.send(OWED);
  lab.runtime.settle();
  return clients.filter(({ received }) => {
    const text = textOf(received);
    if (text !== "" && text !== ALERT) expect(text).toStartWith("HTTP/1.1 503 ");
    return text === "";
  }).length;
}

describe("A3: enter()", () => {
  test("keeps a share of max-connections for each service that listens", () => {
    const lab = start(24);
    expect(enter(lab, "http", 40)).toBe(20);
    expect(enter(lab, "api", 5)).toBe(2);
    expect(enter(lab, "https", 5)).toBe(2);
    const notes = new Set(lab.records().map(({ note }) => note));
    expect(notes).toContain("max-connections: the rest is kept for other services");
  });

  test.each([
    ["api", "https", "http"],
    ["https", "http", "api"],
    ["http", "api", "https"],
  ] as const)("lets %s have what is kept for no other, and the others theirs", (first, second, third) => {
    const lab = start(25);
    expect(enter(lab, second, 1)).toBe(1);
    expect(enter(lab, first, 40)).toBe(21);
    expect(enter(lab, second, 20)).toBe(1);
    expect(enter(lab, third, 20)).toBe(2);
  });

  test("lets those in that come within the share while others are being refused", () => {
    const lab = start(24);
    expect(enter(lab, "http", 500)).toBe(20);
    expect(enter(lab, "api", 2)).toBe(2);
  });

  test("keeps one connection at least for each service", () => {
    const lab = start(6);
    expect(enter(lab, "http", 10)).toBe(4);
    expect(enter(lab, "api", 2)).toBe(1);
    expect(enter(lab, "https", 2)).toBe(1);
  });

  test("gives everything to whoever comes where it is too little to be shared", () => {
    const lab = start(3);
    expect(enter(lab, "http", 5)).toBe(3);
    expect(enter(lab, "api", 1)).toBe(0);
  });

  test("counts nobody who left", () => {
    const lab = start(24);
    const clients = Array.from({ length: 20 }, () => lab.connect("http"));
    lab.runtime.settle();
    for (const client of clients) client.reset();
    lab.runtime.settle();
    expect(enter(lab, "https", 40)).toBe(20);
  });
});
