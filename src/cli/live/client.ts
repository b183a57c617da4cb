/** Speaking to the edge-lb that runs, over its control socket. */
import type { FlagText } from "../../config/layers/layers.ts";
import { GLOBAL } from "../../config/options/options.ts";
import { serviceControlPaths } from "../../config/options/control-path.ts";
import { Problems } from "../../config/values/text.ts";
import { resolveOption } from "../../config/options/option.ts";
import { codeOf, EdgeError, EdgeErrors, type EdgeErrorCode } from "../../errors.ts";
import { machineOf, type Io } from "../terminal/io.ts";

export interface Client {
  /** The socket that answered. */
  readonly path: string;
  /** @param path Behind `/v1/`. @returns the answer's JSON @throws EdgeErrors with what edge-lb refused, EdgeError CONTROL_FAILED */
  ask(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: string): Promise<unknown>;
  /** What goes on coming, until edge-lb ends. @throws as `ask` */
  stream(path: string): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
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
    await client.close();
  }
}

function givenPath(flags: readonly FlagText[], io: Io): string | null {
  const texts = flags
    .filter(({ flag }) => flag === GLOBAL.control.flag)
    .map(({ text }) => ({ text, where: `--control ${text}` }));
  if (texts.length === 0) return null;
  const problems = new Problems();
  const path = resolveOption(GLOBAL.control, texts, machineOf(io), problems);
  problems.throwIfAny();
  if (path === null)
    throw new EdgeError("USAGE", "Cannot reach edge-lb with --control off: the path of its socket wanted");
  return path;
}

/** This user's own, then root's and the service's: who may not use those is told so. */
function usualPaths(io: Io): readonly string[] {
  const own = resolveOption(GLOBAL.control, [], machineOf(io), new Problems());
  return [...new Set([...(own === null ? [] : [own]), ...serviceControlPaths(machineOf(io))])];
}

/** @returns null when nothing listens there */
async function connect(path: string, { withinMs }: ClientOptions): Promise<Client | null> {
  const { Client: Undici } = await import("undici/index.js");
  const http = new Undici("http://edge-lb", { socketPath: path, headersTimeout: withinMs, bodyTimeout: withinMs });
  const client: Client = {
    path,
    async ask(method, target, body = "") {
      const { statusCode, body: answer } = await http.request({
        method,
        path: `/v1/${target}`,
        body,
        signal: AbortSignal.timeout(withinMs),
      });
      return readAnswer(statusCode, await answer.text(), path);
    },
    async *stream(target) {
      const { statusCode, body } = await http.request({ method: "GET", path: `/v1/${target}`, bodyTimeout: 0 });
      if (statusCode >= 300) readAnswer(statusCode, await body.text(), path);
      else yield* body as AsyncIterable<Uint8Array>;
    },
    close: () => http.destroy(),
  };
  try {
    await client.ask("GET", "");
    return client;
  } catch (error) {
    await client.close();
    return unreachable(error, path);
  }
}

function unreachable(error: unknown, path: string): null {
  if (error instanceof EdgeError || error instanceof EdgeErrors) throw error;
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTDIR") return null;
  if (code === "EACCES" || code === "EPERM") {
    throw new EdgeError("CONTROL_FAILED", `Cannot reach edge-lb: permission denied on ${path}`, {
      hint: "run with sudo",
    });
  }
  const words = error instanceof Error ? error.message : String(error);
  throw new EdgeError("CONTROL_FAILED", `Cannot reach edge-lb on ${path}: ${words}`);
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
