/**
 * The API under `/v1`: one router, which the control socket serves whole and the admin address as far as it only reads.
 * Errors are `{"errors":[{"code","message","hint","where","line"}]}`.
 */
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { EdgeError } from "../../errors.ts";
import { failed, errorResponse, json, notFound, wrongMethod } from "./answers.ts";
import type { ChangeResult } from "./change-clusters.ts";
import { eventStream } from "./event-stream.ts";
import type { Instance } from "./instance.ts";
import { tailStream } from "./tail-stream.ts";

export interface ApiOptions {
  /** Serve only what changes nothing. */
  readonly readOnly: boolean;
  /** Ends open event streams. */
  readonly signal: AbortSignal;
}

/** What identifies a running instance: `GET /v1`. */
export interface Hello {
  readonly name: "edge-lb";
  readonly release: string;
  readonly pid: number;
  readonly stopping: boolean;
}

/** Whether clients should come here: `GET /v1/ready`. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not; null when it is. */
  readonly reason: string | null;
}

interface Call {
  readonly instance: Instance;
  readonly c: Context;
  readonly signal: AbortSignal;
}

interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly handle: (call: Call) => Response | Promise<Response>;
  /** Not for the admin address, whoever may look there. */
  readonly ownerOnly?: true;
}

const CLUSTER = "/v1/clusters/:cluster";
const DRAIN = `${CLUSTER}/nodes/:node/drain`;

/** As file and flags have it, whatever was added or removed. */
const RESTORE = `${CLUSTER}/restore`;

const ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1", handle: ({ instance }) => json(hello(instance)) },
  { method: "GET", path: "/v1/ready", handle: getReady },
  { method: "GET", path: "/v1/status", handle: getStatus },
  { method: "GET", path: "/v1/explain", handle: getExplain },
  {
    method: "GET",
    path: "/v1/certificates",
    handle: ({ instance }) => json({ certificates: instance.certificates() }),
  },
  { method: "GET", path: "/v1/events", handle: getEvents },
  { method: "GET", path: "/v1/tail", handle: getTail, ownerOnly: true },
  { method: "POST", path: "/v1/reload", handle: postReload },
  {
    method: "POST",
    path: "/v1/upgrade",
    handle: async ({ instance, c }) => json({ ok: true, ...(await instance.upgrade(c.req.query("to") ?? null)) }),
  },
  { method: "PUT", path: CLUSTER, handle: putCluster },
  { method: "DELETE", path: CLUSTER, handle: deleteCluster },
  {
    method: "POST",
    path: RESTORE,
    handle: async ({ instance, c }) => result(await instance.restoreCluster(part(c, "cluster"))),
  },
  { method: "PUT", path: DRAIN, handle: (call) => drain(call, true) },
  { method: "DELETE", path: DRAIN, handle: (call) => drain(call, false) },
];

/** A cluster's spec has at most 1,024 nodes of a few dozen characters. */
const MOST_BODY_BYTES = 262_144;

/** The routes of one instance, to be mounted at `/`. Every path under `/v1` gets an answer. */
export function createApi(instance: Instance, { readOnly, signal }: ApiOptions): Hono {
  const routes = ROUTES.filter(({ method, ownerOnly }) => !readOnly || (method === "GET" && ownerOnly !== true));
  const app = new Hono({ strict: false });
  app.onError(failed);
  for (const { method, path, handle } of routes) {
    app.on(method, path, wellFormed, limitedBody, (c) => handle({ instance, c, signal }));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
    app.all(path, () => wrongMethod(methods));
  }
  app.all("/v1/*", unknownPath);
  app.notFound(unknownPath);
  return app;
}

function unknownPath(c: Context): Response {
  return notFound(`${c.req.path} is not known`);
}

/** Hono leaves a part of the path as it is when its escapes are wrong; here nothing has such a name. */
const wellFormed: MiddlewareHandler = async (c, next) => {
  try {
    decodeURIComponent(new URL(c.req.url).pathname);
  } catch {
    return errorResponse([new EdgeError("USAGE", "Cannot read the path: wrong escapes")]);
  }
  return next();
};

const limitedBody = bodyLimit({
  maxSize: MOST_BODY_BYTES,
  onError: () => {
    const error = new EdgeError("USAGE", `Cannot read the body: at most ${MOST_BODY_BYTES} bytes wanted`);
    const response = errorResponse([error], 413);
    response.headers.set("connection", "close");
    return response;
  },
});

// ── reading ──

function hello({ release, stopping }: Instance): Hello {
  return { name: "edge-lb", release, pid: process.pid, stopping };
}

function getReady({ instance }: Call): Response {
  const reason = instance.unready();
  const readiness: Readiness = { ready: reason === null, reason };
  return json(readiness);
}

function getStatus({ instance, c }: Call): Response {
  return json(instance.status({ history: isOn(c, "history") }));
}

function getExplain({ instance, c }: Call): Response {
  const { name = "", listener, from } = c.req.query();
  return json(instance.explain(name, { listener, from }));
}

function getEvents({ instance, c, signal }: Call): Response {
  const after = Number(c.req.header("last-event-id") ?? c.req.query("after") ?? 0);
  // nobody reads the stream of a HEAD request, so nobody would end it
  const ended = c.req.raw.method === "HEAD" ? AbortSignal.abort() : signal;
  return eventStream(instance.events, Number.isFinite(after) ? after : 0, ended);
}

function getTail({ instance, c, signal }: Call): Response {
  const ended = c.req.raw.method === "HEAD" ? AbortSignal.abort() : signal;
  const filter = {
    cluster: c.req.query("cluster") ?? null,
    name: c.req.query("name") ?? null,
    failed: isOn(c, "failed"),
  };
  return tailStream(instance, filter, ended);
}

// ── changing ──

async function postReload({ instance, c }: Call): Promise<Response> {
  return result(await instance.reload("asked to", isOn(c, "allow-empty")));
}

async function putCluster({ instance, c }: Call): Promise<Response> {
  const spec = specOf(await c.req.text(), c.req.header("content-type") ?? "");
  return result(await instance.putCluster(part(c, "cluster"), spec, isOn(c, "save")));
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

async function deleteCluster({ instance, c }: Call): Promise<Response> {
  return result(await instance.deleteCluster(part(c, "cluster"), isOn(c, "now"), isOn(c, "save")));
}

function drain({ instance, c }: Call, on: boolean): Response {
  const [cluster, node] = [part(c, "cluster"), part(c, "node")];
  const done = instance.drain(cluster, node, on);
  return done === null ? noNode(instance, cluster, node) : json({ ok: true, ...done });
}

/** Says which there are: whoever typed the last number only finds the rest. */
function noNode(instance: Instance, cluster: string, node: string): Response {
  const nodes = instance.nodesOf(cluster);
  if (nodes === null) return notFound(`Cannot drain ${cluster}/${node}: there is no such cluster`);
  const meant = nodes.filter((each) => each.endsWith(`.${node}`) || each.startsWith(`${node}.`));
  const hint = meant.length === 1 ? `did you mean ${cluster}/${meant[0]}` : `${cluster} has ${listed(nodes)}`;
  return notFound(`Cannot drain ${cluster}/${node}: there is no such node`, hint);
}

/** A line of them. */
const LISTED_MOST = 20;

function listed(nodes: readonly string[]): string {
  const more = nodes.length - LISTED_MOST;
  return `${nodes.slice(0, LISTED_MOST).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function part(c: Context, name: string): string {
  return c.req.param(name) ?? "";
}

function isOn(c: Context, name: string): boolean {
  const value = c.req.query(name);
  return value !== undefined && value !== "0" && value !== "false";
}

function result(done: ChangeResult): Response {
  return done.ok ? json(done) : errorResponse(done.errors);
}
