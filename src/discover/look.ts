/** Asks one address which certificates it shows: on its API's port and its https port, without a name and with names. */
import { closePolitely, deadline, noProgress, openSocket, ProbeTimeout } from "../control/probe/socket.ts";
import { isMachineAddress } from "../config/values/addresses.ts";
import type { DiscoverSource } from "../config/values/discover-source.ts";
import { apiDomains, covers, ingressDomains, type Shown, type Sighting } from "../core/discover/sighting.ts";
import { SERVICES } from "../seam/services.ts";
import type { Address } from "../seam/snapshot.ts";
import { codeOf } from "../errors.ts";
import type { Pacer } from "./pacer.ts";
import type { Candidate } from "./source.ts";

/** In one network a machine that is there answers within milliseconds. */
const CONNECT_MS = 500;
/** A small VM that just boots needs this for a handshake. */
const HANDSHAKE_MS = 3_000;
/** Names that one address is asked for in one look: with more clusters than this the rest comes later, as they become known. */
const NAMES_MOST = 16;

export type Ports = DiscoverSource["ports"];

/** What an address showed, and what is there at all. */
export interface Seen extends Sighting {
  readonly ports: Ports;
  /** Somebody is there, if only to refuse. */
  readonly answered: boolean;
}

/** What one connection gave. */
interface Shaken {
  readonly shown: Shown | null;
  readonly answered: boolean;
}

const NOBODY: Shaken = { shown: null, answered: false };

export class Looker {
  private readonly pacer: Pacer;
  private readonly isOwn: (at: Address) => boolean;

  /** @param isOwn Where edge-lb itself listens: never asked, never found. */
  constructor(pacer: Pacer, isOwn: (at: Address) => boolean = () => false) {
    this.pacer = pacer;
    this.isOwn = isOwn;
  }

  /** Without names. */
  async look({ ip, label }: Candidate, ports: Ports): Promise<Seen> {
    const nobody: Seen = { ip, label, ports, api: null, https: null, answered: false };
    if (!isMachineAddress(ip)) return nobody;
    const [api, https] = await Promise.all([
      this.shake({ ip, port: apiPort(ports) }, null),
      this.shake({ ip, port: httpsPort(ports) }, null),
    ]);
    return { ...nobody, ...shownOf(api, https), answered: api.answered || https.answered };
  }

  /**
   * With the names of these domains, as servers choose their certificate by name.
   * @param domains Most likely ones first.
   */
  async lookFor(seen: Seen, domains: Iterable<string>): Promise<Seen> {
    const { ip, ports } = seen;
    const own = [...(seen.https ?? []).flatMap(ingressDomains), ...(seen.api ?? []).flatMap(apiDomains)];
    const asked = [...new Set([...own, ...domains])].slice(0, NAMES_MOST);
    const { api, https } = seen;
    const apiAt = { ip, port: apiPort(ports) };
    const httpsAt = { ip, port: httpsPort(ports) };
    const byApiName = await this.firstFit(apiAt, api, asked.map(apiName), (shown, name) => covers(shown, name));
    const byRoute = await this.firstFit(
      httpsAt,
      https,
      asked.map(routeName),
      (shown) => ingressDomains(shown).length > 0,
    );
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
    for (const name of names) {
      if (known.some((shown) => fits(shown, name))) return null;
      const { shown } = await this.shake(at, name);
      if (shown !== null && fits(shown, name)) return shown;
    }
    return null;
  }

  private shake(at: Address, servername: string | null): Promise<Shaken> {
    if (this.isOwn(at)) return Promise.resolve(NOBODY);
    return this.pacer.run(() => shakeHands(at, servername));
  }
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

/** A finished handshake, closed politely: nothing of it is in the server's log. */
function shakeHands(at: Address, servername: string | null): Promise<Shaken> {
  const progress = noProgress();
  return new Promise((resolve) => {
    const finish = (error: Error | null): void => {
      late();
      tooLate();
      const { certificate } = progress;
      const answered = progress.got !== "nothing" || ["ECONNREFUSED", "ECONNRESET"].includes(codeOf(error) ?? "");
      resolve({ shown: error === null ? certificate : null, answered });
      if (error === null) closePolitely(socket);
      else socket.destroy();
    };
    const socket = openSocket({ at, tls: { servername, alpn: ["http/1.1"] } }, progress, finish);
    const late = deadline(CONNECT_MS, (error) => progress.got === "nothing" && finish(error));
    const tooLate = deadline(HANDSHAKE_MS, (error: ProbeTimeout) => finish(error));
  });
}
