/** What one address shows to somebody who asks for its certificates, and which names that gives. */
import { isDomain } from "../route/canonical-name.ts";

/** A certificate, as far as it tells whose node shows it. */
export interface Shown {
  /** DNS names in lower case, `*.` included. */
  readonly names: readonly string[];
  /** The authority's key id, else its name. */
  readonly issuer: string;
}

/** What an address showed. Certificates of a server that chooses by SNI are several: OpenShift's API has another one for `api.D`. */
export interface Sighting {
  readonly ip: string;
  /** What the source calls the machine; null: nothing. */
  readonly label: string | null;
  /** Of the API's port: without a name, then for every name asked with; null: nobody finished a handshake there. */
  readonly api: readonly Shown[] | null;
  /** Of the https port, likewise. */
  readonly https: readonly Shown[] | null;
}

/** A certificate may name more clusters than anybody has: further ones count for nothing. */
export const DOMAINS_MOST = 8;
/** Names of one API that become routes. */
export const API_NAMES_MOST = 32;

/** Every D of `*.apps.D`. */
export function ingressDomains({ names }: Shown): readonly string[] {
  return domainsAfter(names, "*.apps.");
}

/** Every D of `api.D` and `api-int.D`. */
export function apiDomains({ names }: Shown): readonly string[] {
  return [...new Set([...domainsAfter(names, "api."), ...domainsAfter(names, "api-int.")])].slice(0, DOMAINS_MOST);
}

function domainsAfter(names: readonly string[], prefix: string): readonly string[] {
  const domains = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  return [...new Set(domains)].filter(isDomain).slice(0, DOMAINS_MOST);
}

/** Whether a client that asked for this name would accept the certificate: the name itself, or `*` in place of its first label. */
export function covers({ names }: Shown, name: string): boolean {
  return names.includes(name) || names.includes(`*${name.slice(name.indexOf("."))}`);
}

/** Names that only mean something inside a cluster, or on the machine itself. */
const INSIDE = /^(kubernetes|openshift)(\.|$)|(^|\.)(localhost|localdomain|svc|cluster\.local)$/;

/** Names of an API by which clients outside may reach it. */
export function outsideNames({ names }: Shown): readonly string[] {
  const outside = names.filter((name) => name.includes(".") && isDomain(name) && !name.startsWith("kubernetes"));
  return outside.filter((name) => !INSIDE.test(name)).slice(0, API_NAMES_MOST);
}
