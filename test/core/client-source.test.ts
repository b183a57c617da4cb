import { describe, expect, test } from "bun:test";
import { readCidr } from "../../src/config/values/addresses.ts";
import { sourceOf } from "../../src/core/client-source.ts";
import type { Cidr, Endpoint } from "../../src/seam/snapshot.ts";

function cidr(text: string): Cidr {
  const read = readCidr(text);
  if (!read.ok) throw new Error(text);
  return read.value;
}

const near = ["192.168.125.0/24", "fd00:1::/64"].map(cidr);
const endpoint = (ip: string): Endpoint => ({ cell: 0, at: { ip, port: 6443 }, hash: 0, near, node: ip });

describe("sourceOf()", () => {
  test.each([
    ["a client elsewhere", "10.1.1.9", "192.168.125.20", "10.1.1.9"],
    ["an IPv6 client elsewhere", "fd00:2::9", "fd00:1::20", "fd00:2::9"],
    ["a client in the node's network", "192.168.125.30", "192.168.125.20", null],
    ["the node itself", "192.168.125.20", "192.168.125.20", null],
    ["an IPv6 client in the node's network", "fd00:1::9", "fd00:1::20", null],
    ["a client of the other family", "fd00:2::9", "192.168.125.20", null],
    ["a node of the other family", "10.1.1.9", "fd00:1::20", null],
    ["a client on this machine", "127.0.0.1", "192.168.125.20", null],
    ["an IPv6 client on this machine", "::1", "fd00:1::20", null],
  ])("of %s", (_, client, node, want) => {
    expect(sourceOf({ source: "client" }, client, endpoint(node))).toBe(want);
    expect(sourceOf({ source: "edge" }, client, endpoint(node))).toBeNull();
  });
});
