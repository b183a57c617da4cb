/** DNS names as routes and domains need them: lower case, whole labels, no trailing dot. */
import { isDomain, NAME_MOST } from "../../core/route/canonical-name.ts";
import { fit, unfit, type Reading } from "./text.ts";

/** A name of one or more labels. */
export function readDomain(text: string): Reading<string> {
  // toLowerCase() would fold the Kelvin sign to k: only ASCII letters are folded, the rest is refused below.
  const name = text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/\.$/, "");
  if (name.length > NAME_MOST) return unfit(`a name of at most ${NAME_MOST} characters`);
  return isDomain(name) ? fit(name) : unfit("a DNS name such as linuxera.lab");
}

/** Stands for every name that nobody claims. */
export const ANY_NAME = "*";

/** A name, `*.` and a name for everything below it, or `*`. */
export function readNamePattern(text: string): Reading<string> {
  if (text === ANY_NAME) return fit(text);
  const below = text.startsWith("*.");
  const name = readDomain(below ? text.slice(2) : text);
  if (!name.ok) return unfit("a name such as shop.lab or *.shop.lab");
  return fit(below ? `*.${name.value}` : name.value);
}

/** A name of the API listener: exact, because a certificate of an API server rarely covers more; or `*`. */
export function readApiName(text: string): Reading<string> {
  if (text === ANY_NAME) return fit(text);
  if (text.includes("*")) return unfit("a name without a star");
  return readDomain(text);
}
