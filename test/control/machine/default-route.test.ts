import { expect, test } from "bun:test";
import type { NetworkInterfaceInfo } from "node:os";
import { defaultAddress } from "../../../src/control/machine/default-route.ts";

const HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

function route(name: string, destination: string, metric: number, mask: string): string {
  return `${name}\t${destination}\t0102A8C0\t0003\t0\t0\t${metric}\t${mask}\t0\t0\t0\n`;
}

function at(address: string): NetworkInterfaceInfo[] {
  return [{ address, family: "IPv4", internal: false, netmask: "", mac: "", cidr: null }];
}

const INTERFACES = { virbr1: at("192.168.125.1"), eno1: at("203.0.113.10"), wlan0: at("10.0.0.5") };

test.each([
  [
    "the default route's, not the first",
    route("virbr1", "007DA8C0", 0, "00FFFFFF") + route("eno1", "00000000", 100, "00000000"),
    "203.0.113.10",
  ],
  [
    "that of the least metric",
    route("wlan0", "00000000", 600, "00000000") + route("eno1", "00000000", 100, "00000000"),
    "203.0.113.10",
  ],
  ["none without a default route", route("virbr1", "007DA8C0", 0, "00FFFFFF"), null],
  ["none of an interface without an address", route("tun0", "00000000", 0, "00000000"), null],
])("defaultAddress() is %s (13 C6)", (_, routes, want) => {
  expect(defaultAddress(HEAD + routes, INTERFACES)).toBe(want);
});
