/** One pool written twice, for IPv4 and for IPv6. */
import { portOf, type Unit } from "./units.ts";

/** The words that tell the two apart, in names of backends and frontends. */
export const ADDRESS_FAMILY = /[-_.]?\b(?:ipv?[46]|v[46])\b|[-_.](?:ipv?[46]|v[46])(?=$|[-_.])/gi;

/** Do two pools of one service differ in the family of their addresses only? */
export function isDualStack(a: Unit, b: Unit): boolean {
  if (a.kind !== b.kind || a.backend === b.backend) return false;
  const [one, two] = [familyOf(a), familyOf(b)];
  if (one === null || two === null || one === two) return false;
  return sameWords(a, b) && portOf(a) === portOf(b) && [...a.names].sort().join() === [...b.names].sort().join();
}

/** 4 or 6; null where nodes of both, or host names, are in it. */
function familyOf({ servers }: Unit): 4 | 6 | null {
  const families = new Set(servers.map(({ host, isName }) => (isName ? null : host.includes(":") ? 6 : 4)));
  const [only = null] = families;
  return families.size === 1 ? only : null;
}

function sameWords(a: Unit, b: Unit): boolean {
  const plain = ({ backend }: Unit): string =>
    backend.name
      .toLowerCase()
      .replace(ADDRESS_FAMILY, "")
      .replace(/[-_.]+/g, "-");
  return plain(a) === plain(b);
}
