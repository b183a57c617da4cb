/** What `explain` is asked about: a name or a URL, and which listeners that is for. */
import { oneOf, quote } from "../../config/values/text.ts";
import type { Config } from "../../config/model.ts";
import { isAllowed } from "../../core/access.ts";
import { canonicalIp } from "../../core/address.ts";
import type { Cidr } from "../../seam/snapshot.ts";
import { route, routeHost, type Routes } from "../../core/route/lookup.ts";
import type { RouteMatch } from "../../core/route/match.ts";
import { canonicalName } from "../../core/route/canonical-name.ts";
import { EdgeError } from "../../errors.ts";
import type { Service, ServiceName } from "../../seam/services.ts";
import { listenOf } from "../../config/clusters/service-settings.ts";

export interface AskedName {
  /** Canonical, or an address. */
  readonly name: string;
  readonly scheme: "http" | "https" | null;
  /** As written. */
  readonly port: number | null;
  /** The service to ask; null: what the URL says, or all. */
  readonly listener: ServiceName | null;
  /** The client's address; null: one of no cluster. */
  readonly from: string | null;
}

/** What can be said beside the name. */
export interface Circumstances {
  readonly listener?: string | null | undefined;
  readonly from?: string | null | undefined;
}

/** @throws EdgeError USAGE when the text is no name and no URL, or the client no address */
export function readAskedName(text: string, { listener = null, from = null }: Circumstances = {}): AskedName {
  const [, scheme, authority = ""] = /^(?:(https?):\/\/)?([^/?#]*)/i.exec(text) ?? [];
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const name = canonicalIp(bracketed ?? plain) ?? (bracketed === undefined ? canonicalName(plain) : null);
  const lower = scheme?.toLowerCase();
  if (name === null || (lower === undefined && /[/?#]/.test(text))) {
    throw new EdgeError("USAGE", `Cannot explain ${quote(text)}: a name or an http(s) URL wanted`);
  }
  const port = portText === undefined ? null : Number(portText);
  const client = from === null ? null : canonicalIp(from);
  if (from !== null && client === null) {
    throw new EdgeError("USAGE", `Cannot explain for client ${quote(from)}: an IPv4 or IPv6 address wanted`);
  }
  return { name, scheme: lower === "http" || lower === "https" ? lower : null, port, listener, from: client };
}

/**
 * A port says which service it is, a scheme names one; a bare name is asked of all that are on.
 * @throws EdgeError USAGE when the listener is none
 */
export function servicesAsked({ scheme, port, listener }: AskedName, config: Config): readonly Service[] {
  const on = config.services.filter((service) => listenOf(config, service).length > 0);
  if (listener !== null) {
    const own = on.filter(({ name }) => name === listener);
    if (own.length > 0) return own;
    const names = oneOf(on.map(({ name }) => name));
    throw new EdgeError("USAGE", `Cannot explain on listener ${quote(listener)}: ${names} wanted`);
  }
  if (port !== null) return on.filter((service) => listenOf(config, service).some((at) => at.port === port));
  return scheme === null ? on : on.filter(({ name }) => name === scheme);
}

/** Where the name leads on this service. */
export function routeAsked(routes: Routes, service: Service, { name, from }: AskedName): RouteMatch | null {
  const client = from ?? "";
  if (service.routedBy === "host") return routeHost(routes, service.index, name, client);
  // a client that is given an address sends no server name
  return route(routes, service.index, canonicalIp(name) === null ? name : null, client);
}

/** Why the client gets nowhere; null: it is let in, or nobody said who asks. */
export function refusalOf({ from }: AskedName, allow: readonly Cidr[], ofCluster: readonly Cidr[]): string | null {
  if (from === null) return null;
  if (!isAllowed(allow, from)) return `${from} is not in allow`;
  return isAllowed(ofCluster, from) ? null : `${from} is not in allow of the cluster`;
}

/** Why it leads there: the name or pattern that matched, `api.hub.lab` or `*.apps.hub.lab`, or what decided in place of a name. */
export function ruleText({ rule, claim }: RouteMatch, { name }: AskedName): string {
  const empty = canonicalIp(name) === null ? "the name says nothing" : "an address carries no server name";
  switch (rule) {
    case "below":
      return `*.${claim}`;
    case "labels":
      return claim.startsWith("apps.") ? `*.${claim}.* (no domain known yet)` : `${claim}.* (no domain known yet)`;
    case "rest":
      return "* (a name that nobody claims)";
    case "client":
      return `by client address ${claim}, as ${empty}`;
    case "default":
      return `--default, as ${empty}`;
    case "exact":
      return claim;
  }
}

/** What a client of this service gets where its cluster has no node for it. */
export function noNodesText(cluster: string, { routedBy }: Pick<Service, "routedBy">): string {
  const answer = routedBy === "host" ? `HTTP 503, "no node for plain HTTP"` : "TLS alert internal_error";
  return `nobody is served: cluster ${cluster} has no node for it, clients get ${answer}`;
}
