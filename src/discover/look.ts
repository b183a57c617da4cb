/** Asks one address which certificates it shows: on its API's port and its https port, without a name and with names. */
import { isMachineAddress } from "../config/values/addresses.ts";
import type { DiscoverSource } from "../config/values/discover-source.ts";
import { apiDomains, covers, ingressDomains, type Shown, type Sighting } from "../core/discover/sighting.ts";
import { SERVICES } from "../seam/services.ts";
import type { Address } from "../seam/snapshot.ts";
import { shakeHands, type Shaken } from "./handshake.ts";
import type { Pacer, Urgency } from "./pacer.ts";
import type { Candidate } from "./source.ts";

/** Names that one address is asked for in one look: with more clusters than this the rest comes later, as they become known. */
export const NAMES_MOST = 16;
/** An address that is this slow to be asked for names is asked for no more of them. */
const NAMES_MS = 5_000;

export type Ports = DiscoverSource["ports"];

/** What an address showed, and what is there at all. */
export interface Seen extends Sighting {
  readonly ports: Ports;
  /** Somebody is there, if only to refuse. */
  readonly answered: boolean;
}

export interface LookerInput {
  readonly pacer: Pacer;
  /** Where edge-lb itself listens: never asked, never found. */
  readonly isOwn?: (at: Address) => boolean;
  /** Nobody has the address, as far as this machine knows after it has tried. */
  readonly isAbsent?: (ip: string) => boolean;
}

const NOBODY: Shaken = { shown: null, answered: false, isLate: false };

export class Looker {
  private readonly pacer: Pacer;
  private readonly isOwn: (at: Address) => boolean;
  private readonly isAbsent: (ip: string) => boolean;

  constructor({ pacer, isOwn = () => false, isAbsent = () => false }: LookerInput) {
    this.pacer = pacer;
    this.isOwn = isOwn;
    this.isAbsent = isAbsent;
  }

  /** Without names. */
  async look({ ip, label }: Candidate, ports: Ports, urgency: Urgency): Promise<Seen> {
    const nobody: Seen = { ip, label, ports, api: null, https: null, answered: false };
    if (!isMachineAddress(ip)) return nobody;
    const api = await this.shake({ ip, port: apiPort(ports) }, null, urgency);
    if (!api.answered && this.isAbsent(ip)) return nobody;
    const https = await this.shake({ ip, port: httpsPort(ports) }, null, urgency);
    return { ...nobody, ...shownOf(api, https), answered: api.answered || https.answered };
  }

  /** With the names of these domains, as servers choose their certificate by name. @param domains At most `NAMES_MOST`. */
  async lookFor(seen: Seen, domains: readonly string[]): Promise<Seen> {
    const { ip, ports, api, https } = seen;
    const apiAt = { ip, port: apiPort(ports) };
    const httpsAt = { ip, port: httpsPort(ports) };
    const [byApiName, byRoute] = await Promise.all([
      this.firstFit(apiAt, api, domains.map(apiName), covers),
      this.firstFit(httpsAt, https, domains.map(routeName), (shown) => ingressDomains(shown).length > 0),
    ]);
    return { ...seen, api: withMore(api, byApiName), https: withMore(https, byRoute) };
  }

  /** The first certificate that fits one of these names, unless one that is known does. */
  private async firstFit(
    at: Address,
    known: readonly Shown[] | null,
    names: readonly string[],
    fits: (shown: Shown, name: string) => boolean,
  ): Promise<Shown | null> {
    if (known === null) return null;
    const untilMs = performance.now() + NAMES_MS;
    for (const name of names) {
      if (known.some((shown) => fits(shown, name))) return null;
      const { shown, isLate } = await this.shake(at, name, "soon");
      if (shown !== null && fits(shown, name)) return shown;
      if (isLate || performance.now() > untilMs) return null;
    }
    return null;
  }

  private shake(at: Address, servername: string | null, urgency: Urgency): Promise<Shaken> {
    if (this.isOwn(at)) return Promise.resolve(NOBODY);
    return this.pacer.run(urgency, () => shakeHands(at, servername));
  }
}

/** What to ask an address for: its own domains first, then the others. */
export function domainsToAsk({ api, https }: Sighting, others: Iterable<string>): readonly string[] {
  const own = [...(https ?? []).flatMap(ingressDomains), ...(api ?? []).flatMap(apiDomains)];
  return [...new Set([...own, ...others])];
}

export function apiPort(ports: Ports): number {
  return ports["api-port"] ?? portOf("api");
}

export function httpsPort(ports: Ports): number {
  return ports["https-port"] ?? portOf("https");
}

function apiName(domain: string): string {
  return `api.${domain}`;
}

/** Every OpenShift cluster has this route; elsewhere the wildcard covers it just as well. */
function routeName(domain: string): string {
  return `console-openshift-console.apps.${domain}`;
}

function withMore(known: readonly Shown[] | null, more: Shown | null): readonly Shown[] | null {
  return more === null ? known : [...(known ?? []), more];
}

function portOf(service: string): number {
  return SERVICES.find(({ name }) => name === service)?.port ?? 0;
}

function shownOf(api: Shaken, https: Shaken): Pick<Sighting, "api" | "https"> {
  return { api: api.shown === null ? null : [api.shown], https: https.shown === null ? null : [https.shown] };
}
