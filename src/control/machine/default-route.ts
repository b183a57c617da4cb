/** The address by which this machine is reached from elsewhere: that of the interface which leads there. */
import { readFileSync } from "node:fs";
import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/**
 * @param table `/proc/net/route`: a head, then interface, destination, gateway, flags, two counts, metric and mask, in hexadecimal but for the metric.
 * @returns null: no default route, or no IPv4 address on its interface
 */
export function defaultAddress(table = readTable(), interfaces: Interfaces = networkInterfaces()): string | null {
  const routes = table.split("\n").map((line) => line.split(/\s+/));
  const [first] = routes
    .filter(([, destination, , , , , , mask]) => destination === "00000000" && mask === "00000000")
    .toSorted((one, other) => Number(one[6]) - Number(other[6]));
  const addresses = interfaces[first?.[0] ?? ""] ?? [];
  return addresses.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? null;
}

function readTable(): string {
  try {
    return readFileSync("/proc/net/route", "utf8");
  } catch {
    return ""; // not Linux
  }
}
