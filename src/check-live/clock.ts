/** A node's idea of time: the Date of an HTTP answer, and from when its certificate is valid. */
import * as net from "node:net";
import * as tls from "node:tls";
import type { Address } from "../seam/snapshot.ts";

export interface ClockQuestion {
  readonly at: Address;
  /** Null: plain HTTP; "": TLS without a name. */
  readonly servername: string | null;
  readonly path: string;
  readonly timeoutMs: number;
}

export interface ClockAnswer {
  /** Ms since 1970, whole seconds (RFC 9110 §6.6.1); null: it did not say. */
  readonly dateMs: number | null;
  /** Begin of its certificate's validity; null: none was shown. */
  readonly notBeforeMs: number | null;
}

/** A head with a Date is far shorter. */
const HEAD_MOST = 16_384;

/** Never rejects: a node that does not answer has told nothing. */
export function askClock({ at, servername, path, timeoutMs }: ClockQuestion): Promise<ClockAnswer> {
  return new Promise((resolve) => {
    let notBeforeMs: number | null = null;
    let head = "";
    const endpoint = { host: at.ip, port: at.port };
    const name = servername === null || servername === "" ? {} : { servername };
    const socket =
      servername === null
        ? net.connect(endpoint)
        : tls.connect({ ...endpoint, ...name, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ dateMs: dateOf(head), notBeforeMs });
    };
    const timer = setTimeout(finish, timeoutMs);
    const ask = (): void => {
      if (socket instanceof tls.TLSSocket) notBeforeMs = validFrom(socket);
      const host = servername === null || servername === "" ? at.ip : servername;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: edge-lb\r\nConnection: close\r\n\r\n`);
    };
    socket.once(servername === null ? "connect" : "secureConnect", ask);
    socket.on("data", (chunk: Uint8Array) => {
      head += Buffer.from(chunk).toString("latin1");
      if (head.includes("\r\n\r\n") || head.length > HEAD_MOST) finish();
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}

function dateOf(head: string): number | null {
  const text = /\r\ndate:[ \t]*([^\r\n]+)\r\n/i.exec(head)?.[1];
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

function validFrom(socket: tls.TLSSocket): number | null {
  const ms = Date.parse(socket.getPeerCertificate()?.valid_from ?? "");
  return Number.isNaN(ms) ? null : ms;
}
