/** What further services may be called: the keys that they have in a cluster must be theirs alone. */
import type { ServiceName } from "../../seam/services.ts";
import { CLUSTER_KEYS } from "../options/cluster-options.ts";

const NAME = /^[a-z][a-z0-9-]{0,14}$/;
/** They have listeners too, and the service manager may hand those over by name. */
const RESERVED: ReadonlySet<string> = new Set(["admin", "control"]);

/** What is wanted instead of this name; null: a service may be called so. */
export function wrongServiceName(name: string): string | null {
  if (!NAME.test(name)) return "a name of a letter and at most 14 letters, digits or dashes, in lower case";
  if (RESERVED.has(name)) return "a name other than admin and control";
  if (/-(port|names)$/.test(name)) return "a name that does not end in -port or -names";
  if (name.startsWith("balance-")) return "a name that does not begin with balance-";
  return keysFor(name).some((key) => CLUSTER_KEYS.has(key)) ? "a name that is no key of a cluster" : null;
}

function keysFor(name: ServiceName): readonly string[] {
  return [name, `${name}-port`, `${name}-names`, `balance-${name}`];
}

/** What makes a key of a service's name: `-port`, `-names`, `balance-` or nothing. */
export function serviceKeyEnds(key: string): string {
  return /-(port|names)$|^balance-/.exec(key)?.[0] ?? "";
}

/** The service that a key of a cluster would be for, were there one. */
export function serviceOfKey(key: string): ServiceName | null {
  const name = key.replace(serviceKeyEnds(key), "");
  return wrongServiceName(name) === null ? name : null;
}

/** What a name needs to be a service's. */
export function needsListener(service: ServiceName): string {
  return `a service ${service} needs --listen ${service}=ADDR:PORT`;
}
