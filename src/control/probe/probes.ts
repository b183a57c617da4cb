/**
 * Probes of one port: a question over HTTP or HTTPS on a kept connection, a finished TLS handshake, a TCP connect.
 * Handshakes are always finished and closed politely, so an API server's log stays clean.
 */
import type { Address } from "../../seam/snapshot.ts";
import { codeOf } from "../../errors.ts";
import { ProbeConnection, type Exchange } from "./connection.ts";
import { askHttp2 } from "./http2-question.ts";
import {
  closePolitely,
  deadline,
  faultEvidence,
  noProgress,
  openSocket,
  ProbeGarbage,
  ProbeTimeout,
  type ProbeResult,
  type SocketPlan,
  type TlsPlan,
} from "./socket.ts";

/** A question that is asked again and again, on one connection as long as that works. */
export class HttpProbe {
  private readonly plan: SocketPlan;
  private readonly host: string;
  private connection: ProbeConnection | null = null;
  /** The server speaks no other: HTTP/1.1 costs less, since its connection is kept. */
  private onlyHttp2 = false;
  /** The other version did no better; not tried again until the next `reconnect`. */
  private triedOther = false;

  /** @param host What the Host field says; the servername or the address. */
  constructor(plan: SocketPlan, host: string) {
    this.plan = plan;
    this.host = host;
  }

  /** @param timeoutMs Covers connect, handshake and answer. */
  async ask(path: string, timeoutMs: number): Promise<ProbeResult> {
    const startedMs = performance.now();
    const first = await this.attempt(path, timeoutMs);
    const leftMs = (): number => Math.max(1, timeoutMs - (performance.now() - startedMs));
    // the server may have closed the kept connection meanwhile, which says nothing of its health
    const stale = first.status === null && first.progress === null && !(first.error instanceof ProbeTimeout);
    const answer = stale ? await this.attempt(path, leftMs()) : first;
    if (this.plan.tls === null || this.triedOther || !refusesVersion(answer)) return resultOf(answer, timeoutMs);
    return resultOf(await this.tryOtherVersion(answer, path, leftMs()), timeoutMs);
  }

  /** The next question gets a new connection and so sees a new certificate. */
  reconnect(): void {
    this.triedOther = false;
    this.close();
  }

  close(): void {
    this.connection?.close();
    this.connection = null;
  }

  private async tryOtherVersion(refused: Exchange, path: string, timeoutMs: number): Promise<Exchange> {
    this.onlyHttp2 = !this.onlyHttp2;
    const other = await this.attempt(path, timeoutMs);
    if (other.status !== null) return other;
    this.onlyHttp2 = !this.onlyHttp2;
    this.triedOther = true;
    return refused;
  }

  private async attempt(path: string, timeoutMs: number): Promise<Exchange> {
    if (this.onlyHttp2) return askHttp2(this.plan, this.host, path, timeoutMs);
    this.connection ??= new ProbeConnection(this.plan, this.host);
    const exchange = await this.connection.get(path, timeoutMs);
    if (exchange.error !== null) this.close();
    return exchange;
  }
}

/** The server may speak another version of HTTP: it says so in the handshake (RFC 7301 §3.2), or ends it and then speaks no HTTP/1. */
function refusesVersion({ status, error, progress }: Exchange): boolean {
  if (status !== null || progress === null || error instanceof ProbeTimeout) return false;
  return codeOf(error)?.includes("NO_APPLICATION_PROTOCOL") === true || error instanceof ProbeGarbage;
}

function resultOf({ status, error, progress }: Exchange, timeoutMs: number): ProbeResult {
  return {
    evidence: status === null ? faultEvidence(error, progress ?? noProgress(), timeoutMs) : { got: "http", status },
    certificate: progress?.certificate ?? null,
    fresh: progress !== null,
  };
}

/** Shake hands and leave. */
export function probeTls(at: Address, tls: TlsPlan, timeoutMs: number): Promise<ProbeResult> {
  return probeSocket({ at, tls }, timeoutMs);
}

/** Connect and leave. */
export function probeTcp(at: Address, timeoutMs: number): Promise<ProbeResult> {
  return probeSocket({ at, tls: null }, timeoutMs);
}

function probeSocket(plan: SocketPlan, timeoutMs: number): Promise<ProbeResult> {
  const progress = noProgress();
  return new Promise((resolve) => {
    const finish = (error: unknown): void => {
      cancel();
      const evidence =
        error === null ? { got: progress.got, fault: null, timeoutMs } : faultEvidence(error, progress, timeoutMs);
      resolve({ evidence, certificate: progress.certificate, fresh: true });
      if (error === null) closePolitely(socket);
      else socket.destroy();
    };
    const socket = openSocket(plan, progress, finish);
    const cancel = deadline(timeoutMs, finish);
  });
}
