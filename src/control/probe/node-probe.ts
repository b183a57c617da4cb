/** Probes of one node of one cluster: the readiness question and the traffic ports, on one deadline. */
import type { ShownCertificate } from "../../core/health/identity.ts";
import type { Evidence } from "../../core/health/ladder.ts";
import type { ProbeGroup, Service, ServiceName } from "../../seam/services.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { ProbeResult, TlsPlan } from "./socket.ts";
import { HttpProbe, probeTcp, probeTls } from "./probes.ts";

export interface ProbePlan {
  readonly group: ProbeGroup;
  readonly ip: string;
  /** The group's services, and where they are on the node. */
  readonly ports: readonly ProbedPort[];
  /** Where a router tells its readiness. */
  readonly readyPort: number;
  /** A name the node has a certificate for; null: ask without one. */
  readonly servername: string | null;
}

export interface ProbedPort {
  readonly service: Service;
  readonly port: number;
}

export interface ProbeRequest {
  /** Ask the readiness question. */
  readonly readiness: boolean;
  /** A traffic port that speaks TLS must finish a handshake; false: TCP is enough. */
  readonly handshake: boolean;
  /** Probe a router's traffic ports even if its readiness answer would do. */
  readonly thorough: boolean;
  /** Ask on a new connection: to see the certificate again, and whether the node still accepts any. */
  readonly reconnect: boolean;
  /** Covers everything, ms. */
  readonly timeoutMs: number;
}

export interface NodeProbeResult {
  /** How far the readiness question got; null: not asked. */
  readonly ready: Evidence | null;
  /** How far the connections to the traffic ports got, those that were tried. */
  readonly own: Readonly<Partial<Record<ServiceName, Evidence>>>;
  /** What the traffic port showed, if a handshake was made. */
  readonly certificate: ShownCertificate | null;
  /** This machine could not ask: the result says nothing of the node. */
  readonly inconclusive: boolean;
}

export interface NodeProbe {
  probe(request: ProbeRequest): Promise<NodeProbeResult>;
  /** The certificate that the node shows to this name. */
  certificateShownTo(servername: string, timeoutMs: number): Promise<ShownCertificate | null>;
  close(): void;
}

/** Routers get this long to answer on their readiness port before the traffic ports are probed as well. */
const HEAD_START_MS = 200;
/** What requests are sent in first. */
const HTTP_ALPN = ["http/1.1"];
/** What clients offer, for a handshake that is followed by no request: no server refuses it, and the answer tells whether browsers would get HTTP/2. */
const CLIENT_ALPN = ["h2", "http/1.1"];

export function createNodeProbe(plan: ProbePlan): NodeProbe {
  return plan.group.readiness?.port === "ready"
    ? new RouterProbe(plan, plan.group.readiness.path)
    : new ServerProbe(plan);
}

/** An API or another server of one port: readiness is asked where the traffic goes, on one kept connection. */
class ServerProbe implements NodeProbe {
  private readonly service: ServiceName | null;
  private readonly path: string | null;
  private readonly at: Address;
  private readonly tls: TlsPlan;
  private readonly http: HttpProbe;

  constructor(plan: ProbePlan) {
    const [own] = plan.ports;
    this.service = own?.service.name ?? null;
    this.path = plan.group.readiness?.path ?? null;
    this.at = { ip: plan.ip, port: own?.port ?? 0 };
    this.tls = { servername: plan.servername, alpn: HTTP_ALPN };
    this.http = new HttpProbe({ at: this.at, tls: this.tls }, plan.servername ?? plan.ip);
  }

  async probe(request: ProbeRequest): Promise<NodeProbeResult> {
    if (request.reconnect) this.http.reconnect();
    const { evidence, certificate } = await this.probePort(request);
    const own = evidence === null || this.service === null ? {} : { [this.service]: evidence };
    return { ready: request.readiness ? evidence : null, own, certificate, inconclusive: evidence === null };
  }

  certificateShownTo(servername: string, timeoutMs: number): Promise<ShownCertificate | null> {
    return shownCertificate(this.at, servername, timeoutMs);
  }

  close(): void {
    this.http.close();
  }

  private probePort({ readiness, handshake, timeoutMs }: ProbeRequest): Promise<ProbeResult> {
    if (readiness && this.path !== null) return this.http.ask(this.path, timeoutMs);
    return handshake ? probeTls(this.at, { ...this.tls, alpn: CLIENT_ALPN }, timeoutMs) : probeTcp(this.at, timeoutMs);
  }
}

/** A router: readiness has a port of its own, the traffic ports are probed beside it. */
class RouterProbe implements NodeProbe {
  private readonly plan: ProbePlan;
  private readonly http: HttpProbe;
  private readonly path: string;

  constructor(plan: ProbePlan, path: string) {
    this.plan = plan;
    this.path = path;
    this.http = new HttpProbe({ at: { ip: plan.ip, port: plan.readyPort }, tls: null }, plan.ip);
  }

  async probe(request: ProbeRequest): Promise<NodeProbeResult> {
    const { readiness, handshake, thorough, reconnect, timeoutMs } = request;
    if (reconnect) this.http.reconnect();
    if (!readiness) return { ready: null, ...(await this.probePorts(handshake, timeoutMs)) };
    const startedMs = performance.now();
    const asked = this.http.ask(this.path, timeoutMs);
    const early = thorough ? null : await withHeadStart(asked, timeoutMs);
    if (early !== null && suffices(early, reconnect)) {
      return { ready: early.evidence, own: {}, certificate: null, inconclusive: false };
    }
    const leftMs = Math.max(1, timeoutMs - (performance.now() - startedMs));
    const [ports, ready] = await Promise.all([this.probePorts(handshake, leftMs), asked]);
    return { ...ports, ready: ready.evidence, inconclusive: ports.inconclusive || ready.evidence === null };
  }

  certificateShownTo(servername: string, timeoutMs: number): Promise<ShownCertificate | null> {
    const tls = this.plan.ports.find(({ service }) => service.routedBy === "sni");
    return shownCertificate({ ip: this.plan.ip, port: tls?.port ?? 0 }, servername, timeoutMs);
  }

  close(): void {
    this.http.close();
  }

  private async probePorts(handshake: boolean, timeoutMs: number): Promise<PortsResult> {
    const results = await Promise.all(this.plan.ports.map((each) => this.probePort(each, handshake, timeoutMs)));
    return portsResult(this.plan.ports, results);
  }

  private probePort({ service, port }: ProbedPort, handshake: boolean, timeoutMs: number): Promise<ProbeResult> {
    const { ip, servername } = this.plan;
    const at = { ip, port };
    if (service.routedBy === "host" || !handshake) return probeTcp(at, timeoutMs);
    return probeTls(at, { servername, alpn: CLIENT_ALPN }, timeoutMs);
  }
}

/** What the traffic ports gave. */
type PortsResult = Omit<NodeProbeResult, "ready">;

function portsResult(ports: readonly ProbedPort[], results: readonly ProbeResult[]): PortsResult {
  const own: Partial<Record<ServiceName, Evidence>> = {};
  let certificate: ShownCertificate | null = null;
  for (const [index, { service }] of ports.entries()) {
    const result = results[index];
    if (result === undefined) continue;
    if (result.evidence !== null) own[service.name] = result.evidence;
    certificate ??= result.certificate;
  }
  return { own, certificate, inconclusive: results.some(({ evidence }) => evidence === null) };
}

/**
 * A router that is ready on its kept connection is the machine it was before: its traffic ports need no probe.
 * @param reconnect The new connection was asked for.
 */
function suffices({ evidence, fresh }: ProbeResult, reconnect: boolean): boolean {
  return (!fresh || reconnect) && evidence?.got === "http" && evidence.status >= 200 && evidence.status < 300;
}

/** The answer, if it comes before the head start is over. */
async function withHeadStart(asked: Promise<ProbeResult>, timeoutMs: number): Promise<ProbeResult | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.min(HEAD_START_MS, timeoutMs / 4));
  });
  const first = await Promise.race([asked, over]);
  clearTimeout(timer);
  return first;
}

async function shownCertificate(at: Address, servername: string, timeoutMs: number): Promise<ShownCertificate | null> {
  return (await probeTls(at, { servername, alpn: CLIENT_ALPN }, timeoutMs)).certificate;
}
