/** Speaking to the edge-lb that runs, over its control socket. */
import type { FlagText } from "../../config/layers/layers.ts";
import { GLOBAL } from "../../config/options/options.ts";
import { serviceControlPaths } from "../../config/options/control-path.ts";
import { codeOf, EdgeError, EdgeErrors, type EdgeErrorCode } from "../../errors.ts";
import { defaultValue, typedValue } from "../line/configuration.ts";
import { machineOf, type Io } from "../terminal/io.ts";
import { send, textOf, type Answer } from "./exchange.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface Client {
  /** The socket that answered. */
  readonly path: string;
  /** @param path Behind `/v1/`. @returns the answer's JSON @throws EdgeErrors with what edge-lb refused, EdgeError CONTROL_FAILED */
  ask(method: Method, path: string, body?: string): Promise<unknown>;
  /** What goes on coming, until edge-lb ends. @throws as `ask` */
  stream(path: string): AsyncIterable<Uint8Array>;
  close(): void;
}

/** A reload of a large file looks up every host name first. */
const ANSWER_MS = 60_000;

export interface ClientOptions {
  /** How long an answer may take. */
  readonly withinMs: number;
}

/**
 * @returns null when nothing listens where an edge-lb usually does, and no path was given
 * @throws EdgeErrors, EdgeError CONTROL_FAILED: no rights, or nothing at the path that was given
 */
export async function findClient(
  flags: readonly FlagText[],
  io: Io,
  options: ClientOptions = { withinMs: ANSWER_MS },
): Promise<Client | null> {
  const given = givenPath(flags, io);
  for (const path of given === null ? usualPaths(io) : [given]) {
    const client = await connect(path, options);
    if (client !== null) return client;
  }
  if (given === null) return null;
  throw new EdgeError("CONTROL_FAILED", `Cannot reach edge-lb on ${given}: nothing listens there`);
}

/** @throws EdgeErrors, EdgeError CONTROL_FAILED when no edge-lb can be reached */
export async function openClient(flags: readonly FlagText[], io: Io, options?: ClientOptions): Promise<Client> {
  const client = await findClient(flags, io, options);
  if (client !== null) return client;
  const paths = usualPaths(io).join(" or ");
  const hint = "is it running? with --control PATH it listens elsewhere";
  throw new EdgeError("CONTROL_FAILED", `Cannot reach edge-lb on ${paths}: nothing listens there`, { hint });
}

/** One exchange, then the socket is closed. */
export async function asking<T>(
  flags: readonly FlagText[],
  io: Io,
  use: (client: Client) => Promise<T>,
  options?: ClientOptions,
): Promise<T> {
  const client = await openClient(flags, io, options);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

function givenPath(settings: readonly FlagText[], io: Io): string | null {
  const path = typedValue(GLOBAL.control, { settings, io });
  if (path === null)
    throw new EdgeError("USAGE", "Cannot reach edge-lb with --control off: the path of its socket wanted");
  return path ?? null;
}

/** This user's own, then root's and the service's: who may not use those is told so. */
function usualPaths(io: Io): readonly string[] {
  const own = defaultValue(GLOBAL.control, io);
  return [...new Set([...(own === null ? [] : [own]), ...serviceControlPaths(machineOf(io))])];
}

/** @returns null when nothing listens there */
async function connect(path: string, { withinMs }: ClientOptions): Promise<Client | null> {
  const client = new SocketClient(path, withinMs);
  try {
    await client.ask("GET", "");
    return client;
  } catch (error) {
    client.close();
    if (error instanceof EdgeError && NOBODY.has(codeOf(error.cause) ?? "")) return null;
    throw error;
  }
}

class SocketClient implements Client {
  readonly path: string;
  private readonly withinMs: number;
  private readonly closed = new AbortController();

  constructor(path: string, withinMs: number) {
    this.path = path;
    this.withinMs = withinMs;
  }

  async ask(method: Method, target: string, body = ""): Promise<unknown> {
    const timeout = AbortSignal.timeout(this.withinMs);
    try {
      const answer = await this.send(method, target, AbortSignal.any([timeout, this.closed.signal]), body);
      return readAnswer(answer.statusCode ?? 0, await textOf(answer), this.path);
    } catch (error) {
      throw unreached(timeout.aborted ? new Error(`no answer within ${this.withinMs} ms`) : error, this.path);
    }
  }

  async *stream(target: string): AsyncIterable<Uint8Array> {
    const { signal } = this.closed;
    try {
      const answer = await this.send("GET", target, signal);
      const { statusCode = 0 } = answer;
      if (statusCode >= 300) readAnswer(statusCode, await textOf(answer), this.path);
      else yield* answer;
    } catch (error) {
      if (!signal.aborted)
        throw unreached(codeOf(error) === "ECONNRESET" ? new Error("it has ended") : error, this.path);
    }
  }

  close(): void {
    this.closed.abort();
  }

  private send(method: Method, target: string, signal: AbortSignal, body?: string): Promise<Answer> {
    return send({ to: { socketPath: this.path }, method, path: `/v1/${target}`, body, signal });
  }
}

/** What a connection says of a path where nothing listens. */
const NOBODY: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ENOTDIR"]);

/** What went wrong on the way, in an operator's words. @param place The socket's path or a URL. */
export function unreached(cause: unknown, place: string): EdgeError | EdgeErrors {
  if (cause instanceof EdgeError || cause instanceof EdgeErrors) return cause;
  const code = codeOf(cause) ?? "";
  if (code === "EACCES" || code === "EPERM") {
    const message = `Cannot reach edge-lb: permission denied on ${place}`;
    return new EdgeError("CONTROL_FAILED", message, { hint: "run with sudo", cause });
  }
  const words = NOBODY.has(code) ? "nothing listens there" : cause instanceof Error ? cause.message : String(cause);
  return new EdgeError("CONTROL_FAILED", `Cannot reach edge-lb on ${place}: ${words}`, { cause });
}

function readAnswer(status: number, text: string, path: string): unknown {
  const body = parse(text);
  if (status < 300 && body !== undefined) return body;
  const refused = errorsIn(body);
  if (refused.length > 0) throw new EdgeErrors(refused);
  const found = text.trim().split("\n")[0] ?? "";
  throw new EdgeError("CONTROL_FAILED", `Cannot use the answer on ${path}: ${status} ${found}`.trim());
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorsIn(body: unknown): readonly EdgeError[] {
  if (typeof body !== "object" || body === null || !("errors" in body) || !Array.isArray(body.errors)) return [];
  return body.errors.map((each: Readonly<Record<string, unknown>>) => {
    const text = (key: string): string | undefined => (typeof each[key] === "string" ? each[key] : undefined);
    const code = (text("code") ?? "CONTROL_FAILED") as EdgeErrorCode;
    return new EdgeError(code, text("message") ?? "Cannot do this", { hint: text("hint"), where: text("where") });
  });
}
