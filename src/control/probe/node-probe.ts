/** One look at one node of one cluster: the readiness question and the traffic ports, on one deadline. */
import type { ShownCertificate } from "../../core/health/identity.ts";
import { readinessPath, type Evidence } from "../../core/health/ladder.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { ProbeResult } from "./socket.ts";
import { createHttpProbe, probeTcp, probeTls } from "./probes.ts";

/** What one look can speak for: https and http are served by the same router and share its readiness. */
export type Family = "api" | "ingress" | "mcs";

export function familyOf(kind: ServiceName): Family {
  return kind === "api" || kind === "mcs" ? kind : "ingress";
}

export interface ProbePlan {
  readonly family: Family;
  readonly ip: string;
  /** Traffic ports by kind; for the API and the machine-config server also where readiness is asked. */
  readonly ports: Readonly<Partial<Record<ServiceName, number>>>;
  /** Where a router tells its readiness. */
  readonly readyPort: number;
  /** A name the node has a certificate for; null: ask without one. */
  readonly servername: string | null;
}

export interface ProbeRequest {
  /** Ask the readiness question. */
  readonly readiness: boolean;
  /** A traffic port that speaks TLS must finish a handshake; false: TCP is enough. */
  readonly handshake: boolean;
  /** Look at a router's traffic ports even if its readiness answer would do. */
  readonly thorough: boolean;
  /** Ask on a new connection, to see the certificate again. */
  readonly reconnect: boolean;
  /** Covers everything, ms. */
  readonly timeoutMs: number;
}

export interface NodeProbeResult {
  readonly ready: Evidence | null;
  readonly own: Readonly<Partial<Record<ServiceName, Evidence>>>;
  /** What the traffic port showed, if a handshake was made. */
  readonly certificate: ShownCertificate | null;
  /** This machine could not ask: the look says nothing. */
  readonly inconclusive: boolean;
}

export interface NodeProbe {
  probe(wish: ProbeRequest): Promise<NodeProbeResult>;
  /** The certificate that the node shows to this name. */
  certificateShownTo(servername: string, timeoutMs: number): Promise<ShownCertificate | null>;
  close(): void;
}

/** Routers get a moment to answer on their readiness port before the traffic ports are looked at as well. */
const HEAD_START_MS = 200;
/** An API probe speaks HTTP/1.1; a handshake that only looks offers what browsers offer. */
const BROWSER_ALPN = ["h2", "http/1.1"];

export function createNodeProbe(plan: ProbePlan): NodeProbe {
  return plan.family === "ingress" ? ingressLooker(plan) : apiLooker(plan, plan.family);
}

function apiLooker(plan: ProbePlan, kind: "api" | "mcs"): NodeProbe {
  const at = { ip: plan.ip, port: plan.ports[kind] ?? 0 };
  const tls = { servername: plan.servername, alpn: ["http/1.1"] };
  const http = createHttpProbe({ at, tls }, plan.servername ?? plan.ip);
  const ask = (wish: ProbeRequest): Promise<ProbeResult> => {
    if (wish.readiness) return http.ask(readinessPath(kind), wish.timeoutMs);
    return wish.handshake ? probeTls(at, tls, wish.timeoutMs) : probeTcp(at, wish.timeoutMs);
  };
  return {
    async probe(wish) {
      if (wish.reconnect) http.renew();
      const { evidence, certificate } = await ask(wish);
      const own = evidence === null ? {} : { [kind]: evidence };
      return { ready: wish.readiness ? evidence : null, own, certificate, inconclusive: evidence === null };
    },
    certificateShownTo: presenter(at.ip, at.port),
    close: () => http.close(),
  };
}

function ingressLooker(plan: ProbePlan): NodeProbe {
  const readyAt = { ip: plan.ip, port: plan.readyPort };
  const http = createHttpProbe({ at: readyAt, tls: null }, plan.ip);
  const kinds = (["https", "http"] as const).filter((kind) => plan.ports[kind] !== undefined);
  const knock = (kind: "https" | "http", handshake: boolean, timeoutMs: number): Promise<ProbeResult> => {
    const at = { ip: plan.ip, port: plan.ports[kind] ?? 0 };
    if (kind === "http" || !handshake) return probeTcp(at, timeoutMs);
    return probeTls(at, { servername: plan.servername, alpn: BROWSER_ALPN }, timeoutMs);
  };
  const knockAll = async (wish: ProbeRequest, timeoutMs: number): Promise<Knocks> => {
    const answers = await Promise.all(kinds.map((kind) => knock(kind, wish.handshake, timeoutMs)));
    return knocksOf(kinds, answers);
  };
  return {
    async probe(wish) {
      const path = readinessPath("https");
      if (!wish.readiness) return { ready: null, ...(await knockAll(wish, wish.timeoutMs)) };
      const startedMs = performance.now();
      const asked = http.ask(path, wish.timeoutMs);
      const early = wish.thorough ? null : await withHeadStart(asked, wish.timeoutMs);
      if (early !== null && suffices(early))
        return { ready: early.evidence, own: {}, certificate: null, inconclusive: false };
      const leftMs = Math.max(1, wish.timeoutMs - (performance.now() - startedMs));
      const [knocks, ready] = await Promise.all([knockAll(wish, leftMs), asked]);
      return { ...knocks, ready: ready.evidence, inconclusive: knocks.inconclusive || ready.evidence === null };
    },
    certificateShownTo: presenter(plan.ip, plan.ports.https ?? 0),
    close: () => http.close(),
  };
}

type Knocks = Omit<NodeProbeResult, "ready">;

function knocksOf(kinds: readonly ServiceName[], answers: readonly ProbeResult[]): Knocks {
  const own: Partial<Record<ServiceName, Evidence>> = {};
  let certificate: ShownCertificate | null = null;
  for (const [index, kind] of kinds.entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    if (answer.evidence !== null) own[kind] = answer.evidence;
    certificate ??= answer.certificate;
  }
  return { own, certificate, inconclusive: answers.some(({ evidence }) => evidence === null) };
}

/** A ready router on the connection it was known on: the same machine, nothing else to find out. */
function suffices({ evidence, fresh }: ProbeResult): boolean {
  return !fresh && evidence?.got === "http" && evidence.status >= 200 && evidence.status < 300;
}

async function withHeadStart(asked: Promise<ProbeResult>, timeoutMs: number): Promise<ProbeResult | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.min(HEAD_START_MS, timeoutMs / 4));
  });
  const first = await Promise.race([asked, over]);
  clearTimeout(timer);
  return first;
}

function presenter(ip: string, port: number): NodeProbe["certificateShownTo"] {
  return async (servername, timeoutMs) =>
    (await probeTls({ ip, port }, { servername, alpn: ["http/1.1"] }, timeoutMs)).certificate;
}
