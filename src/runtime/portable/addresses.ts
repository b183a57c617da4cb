/** Addresses as a socket shows them, in the one spelling of the snapshot. */
import type { Address } from "../../seam/snapshot.ts";

const MAPPED = "::ffff:";

/** Unwraps IPv4 from a dual-stack socket; the system writes IPv6 as RFC 5952 already. Unknown parts are "" and 0. */
export function wireAddress(ip: string | undefined, port: number | undefined): Address {
  return { ip: ip === undefined ? "" : plainIp(ip), port: port ?? 0 };
}

function plainIp(ip: string): string {
  return ip.startsWith(MAPPED) && ip.includes(".") ? ip.slice(MAPPED.length) : ip;
}
