/** What `explain` is asked about: a name or a URL, and which listeners that is for. */
import { quote } from "../../config/text.ts";
import type { Config } from "../../config/model.ts";
import { canonicalIp } from "../../core/address.ts";
import type { RouteMatch } from "../../core/route/lookup.ts";
import { canonicalName } from "../../core/route/canonical-name.ts";
import { EdgeError } from "../../errors.ts";
import type { Service } from "../../seam/services.ts";
import { listenOf } from "../../config/service-settings.ts";

export interface AskedName {
  /** Canonical, or an address. */
  readonly name: string;
  readonly scheme: "http" | "https" | null;
  /** As written. */
  readonly port: number | null;
}

/** @throws EdgeError USAGE when the text is no name and no URL */
export function readAskedName(text: string): AskedName {
  const [, scheme, authority = ""] = /^(?:(https?):\/\/)?([^/?#]*)/i.exec(text) ?? [];
  const [, bracketed, plain = "", portText] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const name = canonicalIp(bracketed ?? plain) ?? (bracketed === undefined ? canonicalName(plain) : null);
  const lower = scheme?.toLowerCase();
  if (name === null || (lower === undefined && /[/?#]/.test(text))) {
    throw new EdgeError("USAGE", `Cannot explain ${quote(text)}: a name or an http(s) URL wanted`);
  }
  const port = portText === undefined ? null : Number(portText);
  return { name, scheme: lower === "http" || lower === "https" ? lower : null, port };
}

/** A port says which service it is, a scheme names one; a bare name is asked of all that are on. */
export function servicesAsked({ scheme, port }: AskedName, config: Config): readonly Service[] {
  const on = config.services.filter((service) => listenOf(config, service).length > 0);
  if (port !== null) return on.filter((service) => listenOf(config, service).some((at) => at.port === port));
  return scheme === null ? on : on.filter(({ name }) => name === scheme);
}

/** The name or pattern that matched: `api.hub.lab`, `*.apps.hub.lab`. */
export function ruleText({ rule, claim }: RouteMatch): string {
  if (rule === "exact") return claim;
  if (rule === "below") return `*.${claim}`;
  return claim.startsWith("apps.") ? `*.${claim}.* (no domain known yet)` : `${claim}.* (no domain known yet)`;
}

/** Why a client that was given an address ends where it does. */
export const DEFAULT_RULE = "--default, as an address carries no server name";
