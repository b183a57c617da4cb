/** One look at one node of one cluster: the readiness question and the traffic ports, on one deadline. */
import type { ShownCertificate } from "../../core/health/identity.ts";
import { readinessPath, type Evidence } from "../../core/health/ladder.ts";
import type { ListenerKind } from "../../seam/snapshot.ts";
import type { Answer } from "./socket.ts";
import { createHttpProbe, probeTcp, probeTls } from "./probes.ts";

/** What one look can speak for: https and http are served by the same router and share its readiness. */
export type Family = "api" | "ingress" | "mcs";

export function familyOf(kind: ListenerKind): Family {
  return kind === "api" || kind === "mcs" ? kind : "ingress";
}

export interface LookPlan {
  readonly family: Family;
  readonly ip: string;
  /** Traffic ports by kind; for the API and the machine-config server also where readiness is asked. */
  readonly ports: Readonly<Partial<Record<ListenerKind, number>>>;
  /** Where a router tells its readiness. */
  readonly readyPort: number;
  /** A name the node has a certificate for; null: ask without one. */
  readonly servername: string | null;
}

export interface LookWish {
  /** Ask the readiness question. */
  readonly ask: boolean;
  /** A traffic port that speaks TLS must finish a handshake; false: TCP is enough. */
  readonly handshake: boolean;
  /** Look at a router's traffic ports even if its readiness answer would do. */
  readonly thorough: boolean;
  /** Ask on a new connection, to see the certificate again. */
  readonly renew: boolean;
  /** Covers everything, ms. */
  readonly timeoutMs: number;
}

export interface LookResult {
  readonly ready: Evidence | null;
  readonly own: Readonly<Partial<Record<ListenerKind, Evidence>>>;
  /** What the traffic port showed, if a handshake was made. */
  readonly certificate: ShownCertificate | null;
  /** This machine could not ask: the look says nothing. */
  readonly blind: boolean;
}

export interface Looker {
  look(wish: LookWish): Promise<LookResult>;
  /** The certificate that the node shows to this name. */
  present(servername: string, timeoutMs: number): Promise<ShownCertificate | null>;
  close(): void;
}

/** Routers get a moment to answer on their readiness port before the traffic ports are looked at as well. */
const HEAD_START_MS = 200;
/** An API probe speaks HTTP/1.1; a handshake that only looks offers what browsers offer. */
const BROWSER_ALPN = ["h2", "http/1.1"];

export function createLooker(plan: LookPlan): Looker {
  return plan.family === "ingress" ? ingressLooker(plan) : apiLooker(plan, plan.family);
}

function apiLooker(plan: LookPlan, kind: "api" | "mcs"): Looker {
  const at = { ip: plan.ip, port: plan.ports[kind] ?? 0 };
  const tls = { servername: plan.servername, alpn: ["http/1.1"] };
  const http = createHttpProbe({ at, tls }, plan.servername ?? plan.ip);
  const ask = (wish: LookWish): Promise<Answer> => {
    if (wish.ask) return http.ask(readinessPath(kind), wish.timeoutMs);
    return wish.handshake ? probeTls(at, tls, wish.timeoutMs) : probeTcp(at, wish.timeoutMs);
  };
  return {
    async look(wish) {
      if (wish.renew) http.renew();
      const { evidence, certificate } = await ask(wish);
      const own = evidence === null ? {} : { [kind]: evidence };
      return { ready: wish.ask ? evidence : null, own, certificate, blind: evidence === null };
    },
    present: presenter(at.ip, at.port),
    close: () => http.close(),
  };
}

function ingressLooker(plan: LookPlan): Looker {
  const readyAt = { ip: plan.ip, port: plan.readyPort };
  const http = createHttpProbe({ at: readyAt, tls: null }, plan.ip);
  const kinds = (["https", "http"] as const).filter((kind) => plan.ports[kind] !== undefined);
  const knock = (kind: "https" | "http", handshake: boolean, timeoutMs: number): Promise<Answer> => {
    const at = { ip: plan.ip, port: plan.ports[kind] ?? 0 };
    if (kind === "http" || !handshake) return probeTcp(at, timeoutMs);
    return probeTls(at, { servername: plan.servername, alpn: BROWSER_ALPN }, timeoutMs);
  };
  const knockAll = async (wish: LookWish, timeoutMs: number): Promise<Knocks> => {
    const answers = await Promise.all(kinds.map((kind) => knock(kind, wish.handshake, timeoutMs)));
    return knocksOf(kinds, answers);
  };
  return {
    async look(wish) {
      const path = readinessPath("https");
      if (!wish.ask) return { ready: null, ...(await knockAll(wish, wish.timeoutMs)) };
      const startedMs = performance.now();
      const asked = http.ask(path, wish.timeoutMs);
      const early = wish.thorough ? null : await withHeadStart(asked, wish.timeoutMs);
      if (early !== null && suffices(early)) return { ready: early.evidence, own: {}, certificate: null, blind: false };
      const leftMs = Math.max(1, wish.timeoutMs - (performance.now() - startedMs));
      const [knocks, ready] = await Promise.all([knockAll(wish, leftMs), asked]);
      return { ...knocks, ready: ready.evidence, blind: knocks.blind || ready.evidence === null };
    },
    present: presenter(plan.ip, plan.ports.https ?? 0),
    close: () => http.close(),
  };
}

type Knocks = Omit<LookResult, "ready">;

function knocksOf(kinds: readonly ListenerKind[], answers: readonly Answer[]): Knocks {
  const own: Partial<Record<ListenerKind, Evidence>> = {};
  let certificate: ShownCertificate | null = null;
  for (const [index, kind] of kinds.entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    if (answer.evidence !== null) own[kind] = answer.evidence;
    certificate ??= answer.certificate;
  }
  return { own, certificate, blind: answers.some(({ evidence }) => evidence === null) };
}

/** A ready router on the connection it was known on: the same machine, nothing else to find out. */
function suffices({ evidence, fresh }: Answer): boolean {
  return !fresh && evidence?.got === "http" && evidence.status >= 200 && evidence.status < 300;
}

async function withHeadStart(asked: Promise<Answer>, timeoutMs: number): Promise<Answer | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), Math.min(HEAD_START_MS, timeoutMs / 4));
  });
  const first = await Promise.race([asked, over]);
  clearTimeout(timer);
  return first;
}

function presenter(ip: string, port: number): Looker["present"] {
  return async (servername, timeoutMs) =>
    (await probeTls({ ip, port }, { servername, alpn: ["http/1.1"] }, timeoutMs)).certificate;
}
