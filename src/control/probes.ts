/**
 * Probes of one port: a question over HTTP or HTTPS on a kept connection, a finished TLS handshake, a TCP connect.
 * Handshakes are always finished and closed with a goodbye, so an API server's log stays clean.
 */
// the plain name is a stub inside Bun; the file is the real package there, in Node and in a compiled binary
import { Client } from "undici/index.js";
import type { Address } from "../seam/snapshot.ts";
import {
  deadline,
  faultEvidence,
  noProgress,
  openSocket,
  ProbeTimeout,
  sayGoodbye,
  type Answer,
  type Progress,
  type SocketPlan,
  type TlsPlan,
} from "./probe-socket.ts";

/** Body bytes read of an answer: `/readyz` says "ok", its failing checks fill a page. */
const BODY_MOST = 65_536;
/** Longer than any probe interval in use; the API server closes idle connections after 90 s itself. */
const IDLE_MS = 300_000;

/** A question that is asked again and again on one connection. */
export interface HttpProbe {
  /** @param timeoutMs Covers connect, handshake and answer. */
  ask(path: string, timeoutMs: number): Promise<Answer>;
  /** The next question gets a new connection and so sees a new certificate. */
  renew(): void;
  close(): void;
}

interface Attempt {
  readonly status: number | null;
  readonly error: unknown;
  /** Null: the kept connection was used. */
  readonly progress: Progress | null;
}

/** @param host What the Host field says; the servername or the address. */
export function createHttpProbe(plan: SocketPlan, host: string): HttpProbe {
  let line: Line | null = null;
  const drop = (): void => {
    line?.end();
    line = null;
  };
  const attempt = async (path: string, timeoutMs: number): Promise<Attempt> => {
    line ??= openLine(plan, host);
    const result = await line.get(path, timeoutMs);
    if (result.error !== null) drop();
    return result;
  };
  return {
    async ask(path, timeoutMs) {
      const startedMs = performance.now();
      const first = await attempt(path, timeoutMs);
      // a kept connection may have been closed by the server meanwhile, which says nothing of its health
      const stale = first.status === null && first.progress === null && !(first.error instanceof ProbeTimeout);
      if (!stale) return answerOf(first, timeoutMs);
      const leftMs = Math.max(1, timeoutMs - (performance.now() - startedMs));
      return answerOf(await attempt(path, leftMs), timeoutMs);
    },
    renew: drop,
    close: drop,
  };
}

function answerOf({ status, error, progress }: Attempt, timeoutMs: number): Answer {
  return {
    evidence: status === null ? faultEvidence(error, progress ?? noProgress(), timeoutMs) : { got: "http", status },
    certificate: progress?.certificate ?? null,
    fresh: progress !== null,
  };
}

/** An undici client on one address, with the progress of the connection it makes. */
interface Line {
  get(path: string, timeoutMs: number): Promise<Attempt>;
  end(): void;
}

function openLine(plan: SocketPlan, host: string): Line {
  let progress: Progress | null = null;
  let opening: { destroy(): void } | null = null;
  const client = new Client(originOf(plan), {
    pipelining: 1,
    keepAliveTimeout: IDLE_MS,
    keepAliveMaxTimeout: IDLE_MS,
    // the caller's one deadline rules
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, callback) => {
      const made = (progress = noProgress());
      const socket = openSocket(plan, made, (error) => {
        opening = null;
        if (error === null) callback(null, socket);
        else callback(error, null);
      });
      opening = socket;
    },
  });
  const end = (): void => {
    opening?.destroy();
    client.destroy().catch(() => undefined);
  };
  return {
    end,
    get(path, timeoutMs) {
      progress = null;
      return new Promise((resolve) => {
        let status: number | null = null;
        let bytes = 0;
        const finish = (error: unknown): void => {
          cancel();
          resolve({ status, error, progress });
        };
        // an answer that has begun is an answer; the connection is not used again
        const cancel = deadline(timeoutMs, finish);
        client.dispatch(
          { path, method: "GET", headers: { host, "user-agent": "edge-lb", accept: "*/*" } },
          {
            onRequestStart: () => undefined,
            onResponseStart: (_controller, code) => {
              if (code >= 200) status = code;
            },
            onResponseData: (_controller, chunk) => {
              bytes += chunk.length;
              if (bytes > BODY_MOST) finish(new Error("the answer is too long"));
            },
            onResponseEnd: () => finish(null),
            onResponseError: (_controller, error) => finish(error),
          },
        );
      });
    },
  };
}

function originOf(plan: SocketPlan): string {
  const { ip, port } = plan.at;
  return `${plan.tls === null ? "http" : "https"}://${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
}

/** Shake hands and leave. */
export function probeTls(at: Address, tls: TlsPlan, timeoutMs: number): Promise<Answer> {
  return probeSocket({ at, tls }, timeoutMs);
}

/** Connect and leave. */
export function probeTcp(at: Address, timeoutMs: number): Promise<Answer> {
  return probeSocket({ at, tls: null }, timeoutMs);
}

function probeSocket(plan: SocketPlan, timeoutMs: number): Promise<Answer> {
  const progress = noProgress();
  return new Promise((resolve) => {
    const finish = (error: unknown): void => {
      cancel();
      const evidence =
        error === null ? { got: progress.got, fault: null, timeoutMs } : faultEvidence(error, progress, timeoutMs);
      resolve({ evidence, certificate: progress.certificate, fresh: true });
      if (error === null) sayGoodbye(socket);
      else socket.destroy();
    };
    const socket = openSocket(plan, progress, finish);
    const cancel = deadline(timeoutMs, finish);
  });
}
