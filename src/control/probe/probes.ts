/**
 * Probes of one port: a question over HTTP or HTTPS on a kept connection, a finished TLS handshake, a TCP connect.
 * Handshakes are always finished and closed with a goodbye, so an API server's log stays clean.
 */
import type * as net from "node:net";
import type { Address } from "../../seam/snapshot.ts";
import { ProbeResponse } from "./response.ts";
import {
  deadline,
  faultEvidence,
  noProgress,
  openSocket,
  ProbeGarbage,
  ProbeTimeout,
  closePolitely,
  type ProbeResult,
  type Progress,
  type SocketPlan,
  type TlsPlan,
} from "./socket.ts";

/** A question that is asked again and again on one connection. */
export interface HttpProbe {
  /** @param timeoutMs Covers connect, handshake and answer. */
  ask(path: string, timeoutMs: number): Promise<ProbeResult>;
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

function answerOf({ status, error, progress }: Attempt, timeoutMs: number): ProbeResult {
  return {
    evidence: status === null ? faultEvidence(error, progress ?? noProgress(), timeoutMs) : { got: "http", status },
    certificate: progress?.certificate ?? null,
    fresh: progress !== null,
  };
}

/** One connection after the other to one address, and one question after the other on each. */
interface Line {
  get(path: string, timeoutMs: number): Promise<Attempt>;
  end(): void;
}

/** A question that waits for its answer. */
interface Waiting {
  readonly settle: (error: unknown) => void;
  readonly send: (socket: net.Socket) => void;
}

function openLine(plan: SocketPlan, host: string): Line {
  const answer = new ProbeResponse();
  let socket: net.Socket | null = null;
  let progress: Progress | null = null;
  let waiting: Waiting | null = null;

  const leave = (politely: boolean): void => {
    if (politely && socket !== null) closePolitely(socket);
    else socket?.destroy();
    socket = null;
  };
  const open = (): net.Socket => {
    const made = openSocket(plan, (progress = noProgress()), (error) => {
      if (made !== socket) return;
      if (error !== null) return waiting?.settle(error);
      return waiting?.send(made);
    });
    made.on("data", (chunk: Uint8Array) => {
      if (made !== socket) return undefined;
      // nobody asked: what is it the answer to?
      if (waiting === null) return leave(true);
      answer.feed(chunk);
      if (answer.state === "bad") return waiting.settle(new ProbeGarbage());
      return answer.state === "more" ? undefined : waiting.settle(null);
    });
    made.on("error", (error) => (made === socket ? waiting?.settle(error) : undefined));
    // a FIN, a reset and an error all end here
    made.on("close", () => {
      if (made !== socket) return;
      answer.end();
      waiting?.settle(answer.state === "end" || answer.state === "enough" ? null : new Error("closed"));
      socket = null;
    });
    return made;
  };
  return {
    end: () => leave(waiting === null),
    get(path, timeoutMs) {
      progress = null;
      answer.reset();
      const request = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nuser-agent: edge-lb\r\naccept: */*\r\n\r\n`;
      return new Promise((resolve) => {
        const settle = (error: unknown): void => {
          cancel();
          waiting = null;
          // an answer that has begun is an answer; the connection is used again only after a whole one
          if (error !== null || !answer.reusable) leave(error === null);
          resolve({ status: answer.status, error: answer.status === null ? error : null, progress });
        };
        const cancel = deadline(timeoutMs, settle);
        waiting = { settle, send: (ready) => void ready.write(request) };
        if (socket === null) socket = open();
        else waiting.send(socket);
      });
    },
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
