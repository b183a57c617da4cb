/** Names beside a name: what a sloppy rule takes too. */

/** Stands for somebody else's domain (RFC 2606 keeps it free). */
export const ELSEWHERE = "evil.example";

/** No client may send an address as a server name, and some do (RFC 6066 §3). */
export const LITERAL = "192.0.2.10";

/** Near misses of a name, most telling first; none of them lies below the name. */
export function nearMisses(name: string): string[] {
  const labels = name.split(".");
  const glued = labels
    .slice(1)
    .map((_, index) => `${labels.slice(0, index + 1).join(".")}x${labels.slice(index + 1).join(".")}`);
  return [
    `${name}.${ELSEWHERE}`,
    `${name}x`,
    `x${name}`,
    `evil-${name}`,
    ...glued,
    labels.slice(1).join("."),
    `${labels[0]}.${ELSEWHERE}`,
  ].filter((near) => near !== "" && near !== name);
}
