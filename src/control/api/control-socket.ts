/** The unix socket that commands speak to: HTTP in, the API's functions behind it. Only the user that runs edge-lb may connect. */
import { request as httpRequest } from "node:http";
import { lstatSync, unlinkSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorName } from "node:util";
import { codeOf, EdgeError, type EdgeErrorCode } from "../../errors.ts";
import { whileLocked } from "../files/path-lock.ts";
import { ControlDoor } from "./control-door.ts";
import type { Handler } from "./http-server.ts";

export interface ControlSocket {
  readonly path: string;
  /** Of its listening sockets, for another process; none: it has to make its own. */
  readonly fds: readonly number[];
  /** Answer from now on; until `serve` every request gets a 503. @throws EdgeError */
  listen(): Promise<void>;
  serve(handler: Handler): void;
  /** Another process answers there now: who waits for an answer gets it, nobody else comes in. */
  sendAway(): void;
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
  const socket = new OwnControl(path);
  await socket.listen();
  return socket;
}

class OwnControl implements ControlSocket {
  readonly path: string;
  fds: readonly number[] = [];
  private door: ControlDoor | null = null;
  private handler: Handler | null = null;
  private inode = -1;
  private isSentAway = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Owner only, from the first moment on: the socket gets its mode from the mask. */
  async listen(): Promise<void> {
    const kernel = await loadListen();
    const mask = process.umask(0o177);
    try {
      if (kernel !== null) this.fds = [descriptorOr(kernel(this.path))];
      const entrances = kernel === null ? [{ path: this.path }] : this.fds.map((fd) => ({ fd }));
      this.door = new ControlDoor(entrances, () => this.handler);
      const listening = this.door.listen(); // at a path it binds before this returns
      process.umask(mask);
      await listening;
    } catch (error) {
      throw socketError(this.path, error);
    } finally {
      process.umask(mask);
    }
    this.inode = inodeOf(this.path);
  }

  serve(handler: Handler): void {
    this.handler = handler;
  }

  sendAway(): void {
    this.isSentAway = true;
    this.door?.sendAway();
  }

  close(): void {
    const isOurs = !this.isSentAway && inodeOf(this.path) === this.inode;
    this.door?.close(!isOurs);
    if (isOurs) unlink(this.path);
  }
}

/** Null: not Linux, not Bun; then the descriptor of a path is not known. */
async function loadListen(): Promise<((path: string) => number) | null> {
  if (process.platform !== "linux" || process.versions.bun === undefined) return null;
  const { listenUnix } = await import("../../runtime/kernel/unix-listen.ts");
  return listenUnix;
}

/** @throws Error with the code as node:fs names it */
function descriptorOr(result: number): number {
  if (result >= 0) return result;
  const code = getSystemErrorName(result);
  throw Object.assign(new Error(code), { code });
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

export function inodeOf(path: string): number {
  try {
    return statOf(path)?.ino ?? -1;
  } catch {
    return -1;
  }
}

export function unlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone already
  }
}
