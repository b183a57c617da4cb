import { describe, expect, test } from "bun:test";
import { proxyHeader } from "../../src/core/proxy-protocol.ts";
import type { Address } from "../../src/seam/snapshot.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const v4: Address = { ip: "203.0.113.9", port: 50_000 };
const local4: Address = { ip: "192.168.125.1", port: 443 };
const v6: Address = { ip: "2001:db8::9", port: 50_000 };
const local6: Address = { ip: "2001:db8::1", port: 443 };
const broken: Address = { ip: "", port: 0 };

const CASES: readonly { readonly name: string; client: Address; local: Address; v1: string; v2: string }[] = [
  {
    name: "IPv4",
    client: v4,
    local: local4,
    v1: "PROXY TCP4 203.0.113.9 192.168.125.1 50000 443\r\n",
    v2: "2111000ccb007109c0a87d01c35001bb",
  },
  {
    name: "IPv6",
    client: v6,
    local: local6,
    v1: "PROXY TCP6 2001:db8::9 2001:db8::1 50000 443\r\n",
    v2: "2121002420010db800000000000000000000000920010db8000000000000000000000001c35001bb",
  },
  {
    name: "an IPv4 client of an IPv6 address",
    client: v4,
    local: local6,
    v1: "PROXY TCP6 ::ffff:203.0.113.9 2001:db8::1 50000 443\r\n",
    v2: "2121002400000000000000000000ffffcb00710920010db8000000000000000000000001c35001bb",
  },
  {
    name: "an IPv6 client of an IPv4 address",
    client: v6,
    local: local4,
    v1: "PROXY TCP6 2001:db8::9 ::ffff:192.168.125.1 50000 443\r\n",
    v2: "2121002420010db800000000000000000000000900000000000000000000ffffc0a87d01c35001bb",
  },
  {
    name: "mapped IPv4",
    client: { ip: "::ffff:203.0.113.9", port: 50_000 },
    local: local4,
    v1: "PROXY TCP4 203.0.113.9 192.168.125.1 50000 443\r\n",
    v2: "2111000ccb007109c0a87d01c35001bb",
  },
  { name: "an unreadable client", client: broken, local: local4, v1: "PROXY UNKNOWN\r\n", v2: "21000000" },
  { name: "an unreadable local address", client: v6, local: broken, v1: "PROXY UNKNOWN\r\n", v2: "21000000" },
];

describe("proxyHeader()", () => {
  test.each([...CASES])("writes $name", ({ client, local, v1, v2 }) => {
    expect(Buffer.from(proxyHeader(1, client, local)).toString("latin1")).toBe(v1);
    expect(Buffer.from(proxyHeader(2, client, local)).toString("hex")).toBe(SIGNATURE + v2);
  });

  test("keeps version 1 within the 107 bytes that receivers read", () => {
    const long = "2001:db8:1111:2222:3333:4444:5555:6666";
    const header = proxyHeader(1, { ip: long, port: 65_535 }, { ip: long, port: 65_535 });
    expect(header.length).toBeLessThanOrEqual(107);
  });
});
