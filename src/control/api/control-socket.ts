/** The unix socket that commands speak to: HTTP in, the API's functions behind it. Only the user that runs edge-lb may connect. */
import { request as httpRequest, type Server } from "node:http";
import { lstatSync, renameSync, unlinkSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { codeOf, EdgeError, type EdgeErrorCode } from "../../errors.ts";
import { whileLocked } from "../files/path-lock.ts";
import { createHttpServer, type Handler } from "./http-server.ts";

export interface ControlSocket {
  readonly path: string;
  /** Until then every request gets a 503. */
  serve(handler: Handler): void;
  /** Be found at another path from now on, in place of whoever is there. @throws EdgeError */
  moveTo(path: string): void;
  /** Whoever asks again has to connect again: another process answers there now. */
  sendAway(): void;
  /** Be found again at its path, should another process have taken it. @throws EdgeError */
  retake(): Promise<void>;
  /** Frees the path; what is under way is cut. */
  close(): void;
}

/**
 * Listen on a path, alone. What a killed instance left is replaced.
 * @throws EdgeError ALREADY_RUNNING: another instance has it, its pid is named; CONTROL_FAILED: no rights, no folder
 */
export async function openControlSocket(path: string): Promise<ControlSocket> {
  const bytes = Buffer.byteLength(path);
  if (bytes > PATH_BYTES_MOST) throw failure(path, `${bytes} bytes long, at most ${PATH_BYTES_MOST} wanted`, ELSEWHERE);
  try {
    // of two that find what a killed one left, the second has to find the first
    return await whileLocked(path, () => takePath(path));
  } catch (error) {
    throw error instanceof EdgeError ? error : socketError(path, error);
  }
}

async function takePath(path: string): Promise<ControlSocket> {
  await clearPath(path);
  const socket = new HttpControlSocket(path);
  await socket.listen();
  return socket;
}

class HttpControlSocket implements ControlSocket {
  path: string;
  private server: Server;
  private handler: Handler | null = null;
  private inode = -1;

  constructor(path: string) {
    this.path = path;
    this.server = createControlServer(() => this.handler);
  }

  async listen(): Promise<void> {
    await listen(this.server, this.path);
    this.inode = inodeOf(this.path);
  }

  moveTo(path: string): void {
    try {
      renameSync(this.path, path);
    } catch (error) {
      throw socketError(path, error);
    }
    this.path = path;
  }

  sendAway(): void {
    this.server.closeIdleConnections();
  }

  async retake(): Promise<void> {
    if (inodeOf(this.path) === this.inode) return;
    unlink(this.path);
    this.server = createControlServer(() => this.handler); // the one before answers who speaks to it already
    await this.listen();
  }

  serve(handler: Handler): void {
    this.handler = handler;
  }

  close(): void {
    this.server.closeAllConnections();
    // the server's close() also takes the path away, which somebody else may have by now: the end of the process does the rest
    if (inodeOf(this.path) !== this.inode) return;
    this.server.close();
    unlink(this.path);
  }
}

/** @param handlerNow Null: edge-lb is starting. */
export function createControlServer(handlerNow: () => Handler | null): Server {
  const server = createHttpServer(
    (request, sent) => handlerNow()?.(request, sent) ?? new Response("edge-lb is starting\n", { status: 503 }),
  );
  // a stalled command must not hold a reload for ever, an event stream may last
  server.requestTimeout = 30_000;
  return server;
}

/** Owner only, from the first moment on: the socket gets its mode from the mask. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(socketError(path, error)));
    const mask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } catch (error) {
      reject(socketError(path, error));
    } finally {
      process.umask(mask);
    }
  });
}

async function clearPath(path: string): Promise<void> {
  const there = statOf(path);
  if (there === null) return;
  if (!there.isSocket()) throw failure(path, "there is a file that is no socket", "choose another path");
  const hello = await askHello(path);
  if (hello.kind === "answered") throw inUse(path, hello.text);
  if (hello.kind === "failed") throw failure(path, hello.words);
  if (statOf(path)?.ino === there.ino) unlink(path); // else somebody was faster
}

/** `sun_path` of sockaddr_un, without its last NUL. */
const PATH_BYTES_MOST = 107;

type Asked =
  | { readonly kind: "answered"; readonly text: string }
  /** Nobody listens: its process is gone. */
  | { readonly kind: "nobody" }
  | { readonly kind: "failed"; readonly words: string };

const HELLO_MS = 2_000;

function askHello(path: string): Promise<Asked> {
  return new Promise((resolve) => {
    const asked = httpRequest({ socketPath: path, path: "/v1", timeout: HELLO_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk.slice(0, 4_096)));
      response.on("end", () => resolve({ kind: "answered", text }));
      response.on("error", () => resolve({ kind: "answered", text }));
    });
    asked.on("timeout", () => {
      resolve({ kind: "answered", text: "" });
      asked.destroy();
    });
    asked.on("error", (error) => resolve(unanswered(error)));
    asked.end();
  });
}

function unanswered(error: Error): Asked {
  const code = codeOf(error);
  if (code === "ECONNREFUSED" || code === "ENOENT") return { kind: "nobody" };
  if (code === "EACCES" || code === "EPERM") return { kind: "failed", words: "permission denied" };
  return { kind: "answered", text: "" }; // it accepted, and that needs a process
}

function inUse(path: string, text: string): EdgeError {
  const pid = /"pid":(\d+)/.exec(text)?.[1];
  const who = pid === undefined ? "another process" : `edge-lb with pid ${pid}`;
  const stopping = text.includes('"stopping":true') ? ", which is about to end" : "";
  const hint = "stop that one, or give this one a path of its own with --control";
  return failure(path, `${who} has it${stopping}`, hint, "ALREADY_RUNNING");
}

function socketError(path: string, error: unknown): EdgeError {
  // Node calls that a lack of rights
  if (folderIsMissing(path)) return failure(path, "its folder does not exist");
  switch (codeOf(error)) {
    case "EACCES":
    case "EPERM":
      return failure(path, "permission denied", "run with sudo, or choose another path with --control");
    case "EADDRINUSE":
      return failure(path, "another process has just taken it", "try again");
    default:
      return failure(path, pathFault(error), ELSEWHERE);
  }
}

function failure(path: string, why: string, hint?: string, code: EdgeErrorCode = "CONTROL_FAILED"): EdgeError {
  return new EdgeError(code, `Cannot use control socket ${path}: ${why}`, { hint });
}

const ELSEWHERE = "choose another path with --control";

const PATH_FAULTS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "its path leads round in links",
  ENOTDIR: "a part of its path is no folder",
  ENAMETOOLONG: "its path is too long",
};

function pathFault(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  return PATH_FAULTS[codeOf(error) ?? ""] ?? words;
}

/** Null: nothing is there. @throws EdgeError CONTROL_FAILED when that cannot be told: a folder left over from another user, … */
function statOf(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw failure(path, pathFault(error), ELSEWHERE);
  }
}

function folderIsMissing(path: string): boolean {
  try {
    return statOf(dirname(path)) === null;
  } catch {
    return false;
  }
}

function inodeOf(path: string): number {
  try {
    return statOf(path)?.ino ?? -1;
  } catch {
    return -1;
  }
}

function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone already
  }
}
