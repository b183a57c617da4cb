/** Asks an HTTPS API for JSON, once it has shown who it is. */
import type { TLSSocket } from "node:tls";
import { codeOf } from "../errors.ts";

export interface JsonClientOptions {
  /** `https://pve.lab:8006` */
  readonly origin: string;
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the server's certificate in hex; null: `ca`, else the system's authorities decide. */
  readonly fingerprint: string | null;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    /** False: as the operator's own file says. */
    readonly rejectUnauthorized?: boolean;
  };
}

const ANSWER_MS = 10_000;
/** A hypervisor with ten thousand machines lists them in less. */
const BODY_MOST = 16 * 1_048_576;

export class JsonClient {
  private readonly options: JsonClientOptions;

  constructor(options: JsonClientOptions) {
    this.options = options;
  }

  /** @throws Error in words */
  async get(path: string): Promise<unknown> {
    const { origin, headers } = this.options;
    const { Client, buildConnector } = await import("undici/index.js");
    const { fingerprint, tls } = this.options;
    const shaking = buildConnector({
      ...tls,
      timeout: ANSWER_MS,
      ...(fingerprint === null ? {} : { rejectUnauthorized: false }),
    });
    const client = new Client(origin, {
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
      connect: (to, done) =>
        shaking(to, (...[error, socket]) => {
          if (error !== null) return done(error, null);
          const shown = fingerprint === null ? null : fingerprintOf(socket as TLSSocket);
          if (shown === fingerprint) return done(null, socket);
          socket.destroy();
          return done(new Error(`a certificate with fingerprint ${shown} found, ${fingerprint} wanted`), null);
        }),
    });
    try {
      const { statusCode, body } = await client.request({ method: "GET", path, headers });
      const parts: Uint8Array[] = [];
      let length = 0;
      for await (const part of body as AsyncIterable<Uint8Array>) {
        length += part.length;
        if (length > BODY_MOST) throw new Error("an answer without end");
        parts.push(part);
      }
      if (statusCode !== 200) throw new Error(statusText(statusCode));
      return JSON.parse(Buffer.concat(parts).toString("utf8")) as unknown;
    } catch (error) {
      throw new Error(`${path}: ${words(error)}`, { cause: error });
    } finally {
      await client.destroy();
    }
  }
}

function fingerprintOf(socket: TLSSocket): string {
  return (socket.getPeerCertificate().fingerprint256 ?? "").replaceAll(":", "").toLowerCase();
}

function statusText(status: number): string {
  return `answered with ${status}${status === 401 || status === 403 ? ", which refuses the credentials" : ""}`;
}

function words(error: unknown): string {
  if (error instanceof SyntaxError) return "an answer that is no JSON";
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}

/** The members of a JSON object; none of what is no object. */
export function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

export function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
