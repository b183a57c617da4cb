import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  cidrText,
  isLoopback,
  isPrivate,
  listenText,
  readCidr,
  readListenAddress,
  readNodes,
  sameSocket,
} from "../../../src/config/values/addresses.ts";

function hosts(text: string): readonly string[] | string {
  const reading = readNodes(text);
  return reading.ok ? reading.value.map(({ host }) => host) : reading.wanted;
}

describe("readNodes()", () => {
  test.each([
    ["192.168.125.20", ["192.168.125.20"]],
    ["192.168.125.20-22", ["192.168.125.20", "192.168.125.21", "192.168.125.22"]],
    ["192.168.125.20-20", ["192.168.125.20"]],
    ["192.168.125.20-192.168.125.21", ["192.168.125.20", "192.168.125.21"]],
    ["10.0.0.254-10.0.1.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]],
    ["[fd00::1]", ["fd00::1"]],
    ["fd00::1", ["fd00::1"]],
    ["[FD00:0:0::1]", ["fd00::1"]],
    ["[::ffff:10.0.0.1]", ["10.0.0.1"]],
    ["[fd00::1-fd00::3]", ["fd00::1", "fd00::2", "fd00::3"]],
    ["fd00::ffff-fd00::1:1", ["fd00::ffff", "fd00::1:0", "fd00::1:1"]],
    ["worker-1.lab", ["worker-1.lab"]],
    ["Worker-1.Lab.", ["worker-1.lab"]],
    ["node20-22", ["node20-22"]],
    ["localhost", ["localhost"]],
  ])("reads %s", (text, want) => {
    expect(hosts(text)).toEqual(want);
  });

  test("shows how a range of IPv6 is written", () => {
    for (const text of ["fd00::10-1f", "fd00::10-", "fd00::x-fd00::1f", "10.0.0.1-fd00::1"]) {
      expect(readNodes(text)).toMatchObject({ ok: false, hint: "write fd00::10-fd00::1f" });
    }
  });

  const NODE = "an address, [IPv6], a range such as 192.168.125.20-22 or a host name";
  test.each([
    ["192.168.125.20-10", "a range that ends after its start"],
    ["192.168.125.250-300", "a last number from 0 to 255"],
    ["192.168.125.300", NODE],
    ["192.168.125", NODE],
    ["192.168.125.2o", NODE],
    ["192.168.125.20-", "a range that ends with an address"],
    ["192.168.125.20-22-24", NODE],
    ["300.1.1.1-5", "a range that starts with an address"],
    ["10.0.0.1-fd00::1", "a range within one address family"],
    ["::ffff:10.0.0.1-fd00::1", "a range within one address family"],
    ["10.0.0.0-10.0.4.0", "at most 1024"],
    ["0.0.0.0-255.255.255.255", "at most 1024"],
    ["[::1-ffff::]", "at most 1024"],
    ["10.0.0.0/24", "addresses one by one or a range"],
    ["192.168.125.20:6443", "a node without a port"],
    ["worker-1.lab:6443", "a node without a port"],
    ["[fd00::1]:6443", "a node without a port"],
    ["0.0.0.0", "the address of one machine"],
    ["::", "the address of one machine"],
    ["224.0.0.1", "the address of one machine"],
    ["255.255.255.255", "the address of one machine"],
    ["255.255.255.254-255", "addresses of machines only"],
    ["010.0.0.1", NODE],
    ["0x7f.0.0.1", NODE],
    ["fe80::1%eth0", NODE],
    ["[worker-1.lab]", NODE],
    ["-lab", NODE],
    ["a_b-.lab", NODE],
    ["wörker.lab", NODE],
    ["", NODE],
    [`${"a".repeat(64)}.lab`, NODE],
    [`${"a.".repeat(127)}lab`, NODE],
  ])("refuses %s", (text, want) => {
    expect(hosts(text)).toBe(want);
  });

  test("names what is a host name, to be resolved", () => {
    expect(readNodes("worker-1.lab")).toEqual({ ok: true, value: [{ host: "worker-1.lab", isName: true }] });
    expect(readNodes("10.0.0.1")).toEqual({ ok: true, value: [{ host: "10.0.0.1", isName: false }] });
  });

  test("counts a range before it is unfolded", () => {
    const reading = readNodes("0.0.0.0-255.255.255.255");
    expect(reading.ok ? "" : reading.found).toBe("a range of 4294967296 nodes");
  });

  test("takes every IPv4 range of at most 1024 in order", () => {
    const start = fc.integer({ min: 0x0b00_0000, max: 0xdf00_0000 });
    fc.assert(
      fc.property(start, fc.integer({ min: 0, max: 1023 }), (from, more) => {
        const read = hosts(`${dotted(from)}-${dotted(from + more)}`);
        expect(read).toEqual(Array.from({ length: more + 1 }, (_, index) => dotted(from + index)));
      }),
      { numRuns: 30 },
    );
  });
});

function dotted(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

describe("readCidr()", () => {
  test.each([
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3/32"],
    ["10.1.2.3/31", "10.1.2.2/31"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["fd00::/8", "fd00::/8"],
    ["fd12:3456::1/20", "fd12:3000::/20"],
    ["[fd00::1]", "fd00::1/128"],
    ["::/0", "::/0"],
    ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
    ["::ffff:10.1.2.3", "10.1.2.3/32"],
  ])("reads %s", (text, want) => {
    const reading = readCidr(text);
    expect(reading.ok ? cidrText(reading.value) : reading.wanted).toBe(want);
  });

  test.each([
    ["10.0.0.0/33", "a prefix from 0 to 32"],
    ["fd00::/129", "a prefix from 0 to 128"],
    ["::ffff:10.0.0.0/8", "a prefix from 96 to 128"],
    ["10.0.0.0/", "a prefix from 0 to 32"],
    ["10.0.0.0/-1", "a prefix from 0 to 32"],
    ["10.0.0.0/8/8", "an address or a range such as 10.0.0.0/8"],
    ["10.0.0/8", "an address or a range such as 10.0.0.0/8"],
    ["lab", "an address or a range such as 10.0.0.0/8"],
    ["", "an address or a range such as 10.0.0.0/8"],
  ])("refuses %s", (text, want) => {
    const reading = readCidr(text);
    expect(reading.ok ? "read" : reading.wanted).toBe(want);
  });
});

describe("readListenAddress()", () => {
  test.each([
    [":6443", { ip: "", port: 6443 }],
    ["*:6443", { ip: "", port: 6443 }],
    ["0.0.0.0:80", { ip: "0.0.0.0", port: 80 }],
    ["127.0.0.1:0", { ip: "127.0.0.1", port: 0 }],
    ["[::1]:8080", { ip: "::1", port: 8080 }],
    ["[::]:8080", { ip: "::", port: 8080 }],
    ["[::ffff:127.0.0.1]:80", { ip: "127.0.0.1", port: 80 }],
  ])("reads %s", (text, value) => {
    expect(readListenAddress(text)).toEqual({ ok: true, value });
  });

  const WANTED = ":PORT, ADDRESS:PORT or [IPv6]:PORT";
  test.each([
    ["8080", WANTED],
    ["127.0.0.1", WANTED],
    ["::1:8080", WANTED],
    ["[::1]", WANTED],
    [":65536", WANTED],
    [":-1", WANTED],
    [":", WANTED],
    ["", WANTED],
    ["[]:80", "an address of this machine, not a name"],
    ["[*]:80", "an address of this machine, not a name"],
    ["localhost:80", "an address of this machine, not a name"],
    ["127.1:80", "an address of this machine, not a name"],
  ])("refuses %s", (text, want) => {
    const reading = readListenAddress(text);
    expect(reading.ok ? "read" : reading.wanted).toBe(want);
  });

  test("shows what it read in the same form", () => {
    expect(listenText({ ip: "::1", port: 80 })).toBe("[::1]:80");
    expect(listenText({ ip: "", port: 80 })).toBe(":80");
  });
});

describe("sameSocket()", () => {
  const at = (ip: string, port = 443): { ip: string; port: number } => ({ ip, port });
  test.each([
    ["the same address", at("127.0.0.1"), at("127.0.0.1"), true],
    ["another port", at("127.0.0.1"), at("127.0.0.1", 444), false],
    ["another address", at("127.0.0.1"), at("127.0.0.2"), false],
    ["every address and one", at(""), at("127.0.0.1"), true],
    ["one and every address", at("::1"), at("::"), true],
    ["every IPv4 address and an IPv6 one", at("0.0.0.0"), at("::1"), false],
    ["every IPv4 address and an IPv4 one", at("10.0.0.1"), at("0.0.0.0"), true],
    ["two ports the kernel chooses", at("", 0), at("", 0), false],
  ])("compares %s", (_, a, b, want) => {
    expect(sameSocket(a, b)).toBe(want);
  });
});

describe("isPrivate()", () => {
  test.each([
    ["192.168.125.1", true],
    ["10.0.0.1", true],
    ["172.16.0.1", true],
    ["127.0.0.1", true],
    ["169.254.1.1", true],
    ["fd00::1", true],
    ["fe80::1", true],
    ["::1", true],
    ["8.8.8.8", false],
    ["2001:4860::1", false],
    ["0.0.0.0", false],
    ["", false],
  ])("knows %s", (ip, want) => {
    expect(isPrivate(ip)).toBe(want);
  });

  test("isLoopback() is narrower", () => {
    expect(["127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "", "0.0.0.0"].filter(isLoopback)).toEqual([
      "127.0.0.1",
      "127.9.9.9",
      "::1",
    ]);
  });
});
