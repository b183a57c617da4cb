/** Node addresses as the shortest list that reads back to them: `192.168.125.20-22`. */

/** Neighbouring IPv4 addresses become ranges, the rest stays in the order it came. */
export function compressNodes(hosts: readonly string[]): string[] {
  const unique = [...new Set(hosts)];
  const numbers = unique
    .filter(isIpv4)
    .map(toNumber)
    .sort((a, b) => a - b);
  const ranges: { from: number; to: number }[] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last.to + 1 === number) last.to = number;
    else ranges.push({ from: number, to: number });
  }
  return [...ranges.flatMap(rangeText), ...unique.filter((host) => !isIpv4(host)).map(bracketed)];
}

function isIpv4(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** A node list takes IPv6 in brackets everywhere. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

function toNumber(ip: string): number {
  return ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toIp(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

function rangeText({ from, to }: { readonly from: number; readonly to: number }): string[] {
  if (from === to) return [toIp(from)];
  const [first, last] = [toIp(from), toIp(to)];
  const sameNet = Math.floor(from / 256) === Math.floor(to / 256);
  return [sameNet ? `${first}-${last.split(".")[3]}` : `${first}-${last}`];
}
