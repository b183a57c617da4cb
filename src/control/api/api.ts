/**
 * The API under `/v1`, as functions from Request to Response: the control socket serves all of it, the admin listener what only
 * reads. Errors are `{"errors":[{"code","message","hint","where","line"}]}`.
 */
import { EdgeError, EdgeErrors, type EdgeErrorCode } from "../../errors.ts";
import type { Explanation } from "./explain-name.ts";
import { eventStream } from "./event-stream.ts";
import type { Events } from "../log/recent-events.ts";
import type { ReloadResult } from "../serve/reload.ts";
import type { Status, StatusOptions } from "../status/report.ts";

/** What a running edge-lb can be asked and told. */
export interface Instance {
  readonly release: string;
  readonly events: Events;
  readonly stopping: boolean;
  status(options?: StatusOptions): Status;
  /** @throws EdgeError USAGE */
  explain(text: string): Explanation;
  reload(why: string): Promise<ReloadResult>;
  putCluster(name: string, spec: string, save: boolean): Promise<ChangeResult>;
  /** @param now Its tunnels get no time. */
  deleteCluster(name: string, now: boolean, save: boolean): Promise<ChangeResult>;
  /** @returns null when there is no such node */
  drain(cluster: string, node: string, on: boolean): DrainResult | null;
}

export type ChangeResult = ReloadResult & {
  /** Connections to nodes that the change takes away. */
  readonly active?: number;
  /** Time that they get, in seconds. */
  readonly cutSeconds?: number;
  /** The file that was written; null: none was to be. */
  readonly saved?: string | null;
};

export interface DrainResult {
  /** Pools it served: `api`, `https`. */
  readonly pools: readonly string[];
  readonly active: number;
  readonly cutSeconds: number;
}

export interface ApiOptions {
  /** Serve only what changes nothing. */
  readonly readOnly: boolean;
  /** Ends open event streams. */
  readonly signal: AbortSignal;
}

export type Handler = (request: Request) => Promise<Response>;

/** What identifies a running instance: `GET /v1`. */
export interface Hello {
  readonly name: "edge-lb";
  readonly release: string;
  readonly pid: number;
  readonly stopping: boolean;
}

interface Call {
  readonly instance: Instance;
  readonly request: Request;
  readonly query: URLSearchParams;
  /** The `*` parts of the path, decoded. */
  readonly parts: readonly string[];
  readonly signal: AbortSignal;
}

interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Parts behind `/v1`; `*` is any one. */
  readonly path: readonly string[];
  readonly handle: (call: Call) => Response | Promise<Response>;
}

const ROUTES: readonly Route[] = [
  { method: "GET", path: [], handle: ({ instance }) => json(hello(instance)) },
  { method: "GET", path: ["status"], handle: getStatus },
  { method: "GET", path: ["explain"], handle: getExplain },
  { method: "GET", path: ["events"], handle: getEvents },
  { method: "POST", path: ["reload"], handle: async ({ instance }) => result(await instance.reload("asked to")) },
  { method: "PUT", path: ["clusters", "*"], handle: putCluster },
  { method: "DELETE", path: ["clusters", "*"], handle: deleteCluster },
  { method: "PUT", path: ["clusters", "*", "nodes", "*", "drain"], handle: (call) => drain(call, true) },
  { method: "DELETE", path: ["clusters", "*", "nodes", "*", "drain"], handle: (call) => drain(call, false) },
];

/** @returns never rejects */
export function createApi(instance: Instance, { readOnly, signal }: ApiOptions): Handler {
  const routes = ROUTES.filter(({ method }) => !readOnly || method === "GET");
  return async (request) => {
    try {
      return await answer(request, instance, routes, signal);
    } catch (error) {
      return failed(error);
    }
  };
}

async function answer(
  request: Request,
  instance: Instance,
  routes: readonly Route[],
  signal: AbortSignal,
): Promise<Response> {
  const { pathname, searchParams: query } = new URL(request.url);
  const [root, ...path] = pathname.split("/").filter((part) => part !== "");
  const there = root === "v1" ? routes.filter((route) => fits(route.path, path)) : [];
  const method = request.method === "HEAD" ? "GET" : request.method;
  const route = there.find((each) => each.method === method);
  if (route === undefined) return there.length === 0 ? notFound(`${pathname} is not known`) : wrongMethod(there);
  const parts = path.filter((_, at) => route.path[at] === "*").map(decodeURIComponent);
  return route.handle({ instance, request, query, parts, signal });
}

function fits(wanted: readonly string[], path: readonly string[]): boolean {
  return wanted.length === path.length && wanted.every((part, at) => part === "*" || part === path[at]);
}

// ── what is asked ──

function hello({ release, stopping }: Instance): Hello {
  return { name: "edge-lb", release, pid: process.pid, stopping };
}

function getStatus({ instance, query }: Call): Response {
  return json(instance.status({ history: isOn(query, "history") }));
}

function getExplain({ instance, query }: Call): Response {
  return json(instance.explain(query.get("name") ?? ""));
}

function getEvents({ instance, request, query, signal }: Call): Response {
  const after = Number(request.headers.get("last-event-id") ?? query.get("after") ?? 0);
  return eventStream(instance.events, Number.isFinite(after) ? after : 0, signal);
}

// ── what is told ──

async function putCluster({ instance, request, query, parts: [name = ""] }: Call): Promise<Response> {
  const spec = specOf(await request.text(), request.headers.get("content-type") ?? "");
  return result(await instance.putCluster(name, spec, isOn(query, "save")));
}

/** The text behind `--cluster NAME=`, or `{"spec": "…"}`. */
function specOf(body: string, contentType: string): string {
  if (!contentType.includes("json")) return body.trim();
  const wanted = new EdgeError("USAGE", 'Cannot read the body: {"spec": "NODE,..."} wanted');
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "spec" in parsed && typeof parsed.spec === "string")
      return parsed.spec;
  } catch {
    throw wanted;
  }
  throw wanted;
}

async function deleteCluster({ instance, query, parts: [name = ""] }: Call): Promise<Response> {
  return result(await instance.deleteCluster(name, isOn(query, "now"), isOn(query, "save")));
}

function drain({ instance, parts: [cluster = "", node = ""] }: Call, on: boolean): Response {
  const done = instance.drain(cluster, node, on);
  return done === null
    ? notFound(`Cannot drain ${cluster}/${node}: there is no such node`)
    : json({ ok: true, ...done });
}

function isOn(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== "0" && value !== "false";
}

// ── answers ──

function json(body: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
}

function result(done: ChangeResult): Response {
  return done.ok ? json(done) : errors(done.errors);
}

const STATUS_OF: Readonly<Partial<Record<EdgeErrorCode, number>>> = {
  USAGE: 400,
  NOT_FOUND: 404,
  CONTROL_FAILED: 409,
  INTERNAL: 500,
};

function errors(all: readonly EdgeError[], status = STATUS_OF[all[0]?.code ?? "INTERNAL"] ?? 422): Response {
  const shown = all.map((error) => {
    const { code, message, hint, where } = error;
    return { code, message, hint, where, line: error.toLine() };
  });
  return json({ errors: shown }, status);
}

function failed(error: unknown): Response {
  if (error instanceof EdgeErrors) return errors(error.errors);
  if (error instanceof EdgeError) return errors([error]);
  if (error instanceof URIError) return errors([new EdgeError("USAGE", "Cannot read the path: wrong escapes")]);
  const words = error instanceof Error ? error.message : String(error);
  return errors([new EdgeError("INTERNAL", `Cannot answer: ${words}`)]);
}

function notFound(message: string): Response {
  return errors([new EdgeError("NOT_FOUND", message)]);
}

function wrongMethod(there: readonly Route[]): Response {
  const allow = [...new Set(there.map(({ method }) => method))].join(", ");
  const response = errors([new EdgeError("USAGE", `Cannot do this: ${allow} wanted`)], 405);
  response.headers.set("allow", allow);
  return response;
}
