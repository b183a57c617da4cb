/** What the admin address serves: page, metrics, CSV, health of edge-lb itself, and the part of the API that only reads. */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { Context, MiddlewareHandler } from "hono";
import { createApi } from "../control/api/api.ts";
import type { EventLog } from "../control/log/event-log.ts";
import type { AdminAccess } from "../control/admin-door.ts";
import type { Sent } from "../control/api/http-server.ts";
import { canonicalIp } from "../core/address.ts";
import { isOwnHost } from "./asked-host.ts";
import { csvText } from "./csv.ts";
import { createMetrics } from "./metrics.ts";
import { pagePolicy, renderPage } from "./page.ts";
import { WrongPasswords } from "./wrong-passwords.ts";

interface Asked {
  readonly Bindings: Partial<Sent>;
}

/** However many viewers ask every second, one status a second is made. */
const STATUS_KEPT_MS = 900;

export function createAdmin({ instance, board, services, auth, log, signal }: AdminAccess): Hono<Asked> {
  const status = keptFor(STATUS_KEPT_MS, () => instance.status({ history: true }));
  const metrics = createMetrics(() => instance.status(), board, services);
  const page = keptFor(STATUS_KEPT_MS, () => renderPage(status()));
  const app = new Hono<Asked>();
  app.use(secure);
  app.use(readOnly);
  if (auth === null) app.use(ownHost);
  // a load balancer's probes bring no password, and learn nothing but yes and no
  app.get("/healthz", (c) => plain(c, "ok\n"));
  app.get("/readyz", (c) => {
    const reason = instance.unready();
    return reason === null ? plain(c, "ok\n") : plain(c, `${reason}\n`, 503);
  });
  if (auth !== null) app.use(basicAuth(auth, log));
  app.get("/", (c) => c.html(page(), 200, { "content-security-policy": pagePolicy }));
  app.get("/metrics", async (c) => c.text(await metrics.text(), 200, { "content-type": metrics.contentType }));
  app.get("/;csv", (c) => plain(c, csvText(status())));
  app.get("/haproxy", (c) => plain(c, csvText(status())));
  app.get("/v1/status", (c) => c.json(status()));
  app.route("/", createApi(instance, { readOnly: true, signal }));
  app.notFound((c) =>
    c.text("Not found. There are /, /metrics, /;csv, /v1/status, /v1/events, /healthz and /readyz.\n", 404),
  );
  return app;
}

/** Named outright: Bun drops the type that a Response would have by itself once a header is set later. */
function plain(c: Context, text: string, status: 200 | 503 = 200): Response {
  return c.body(text, status, { "content-type": "text/plain; charset=utf-8" });
}

/** What changes things goes through the control socket, which only its owner can open. */
const readOnly: MiddlewareHandler = async (c, next) => {
  if (["GET", "HEAD"].includes(c.req.method)) return next();
  return c.text("This address only reads; edge-lb's commands change things.\n", 405, { allow: "GET, HEAD" });
};

/** Who has no password to show must not be a web page that had this machine's address put under its own name. */
const ownHost: MiddlewareHandler = async (c, next) => {
  if (isOwnHost(c.req.header("host"))) return next();
  return c.text("Ask by IP address or as localhost; with --admin-auth any name will do.\n", 403);
};

/** No answer is cached, read as another type than it says, or shown in a frame. */
const secure: MiddlewareHandler = async (c, next) => {
  await next();
  const { headers } = c.res;
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  if (!headers.has("content-security-policy"))
    headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-frame-options", "DENY");
  headers.set("referrer-policy", "no-referrer");
  headers.set("cross-origin-opener-policy", "same-origin");
  headers.set("cross-origin-resource-policy", "same-origin");
};

/** RFC 7617. Compares digests of one length, so that the time tells nothing of the password. */
function basicAuth({ user, password }: NonNullable<AdminAccess["auth"]>, log: EventLog): MiddlewareHandler<Asked> {
  const wanted = digest(`${user}:${password}`);
  const wrongs = new WrongPasswords();
  return async (c, next) => {
    const header = c.req.header("authorization");
    const client = clientOf(c);
    if (header !== undefined && !wrongs.mayTry(client, performance.now())) {
      return c.text("Too many wrong passwords came from here; try again in a second.\n", 429, { "retry-after": "1" });
    }
    const [scheme = "", code = ""] = (header ?? "").split(" ");
    const given = scheme.toLowerCase() === "basic" ? Buffer.from(code, "base64").toString("utf8") : "";
    if (timingSafeEqual(digest(given), wanted)) return next();
    const times = header === undefined ? 0 : wrongs.wrong(client, performance.now());
    if (times > 0)
      log.warn("admin", `${times} wrong ${times === 1 ? "password" : "passwords"} from ${client}`, { client });
    return c.text("A user and a password are wanted.\n", 401, {
      "www-authenticate": 'Basic realm="edge-lb", charset="UTF-8"',
    });
  };
}

/** Canonical; empty where the request came through no socket. */
function clientOf(c: Context<Asked>): string {
  const address = c.env?.incoming?.socket.remoteAddress ?? "";
  return canonicalIp(address) ?? address;
}

/** The same answer to everybody who asks within a while. */
function keptFor<T>(ms: number, make: () => T): () => T {
  let kept: { readonly value: T; readonly untilMs: number } | null = null;
  return () => {
    const now = performance.now();
    if (kept === null || now >= kept.untilMs) kept = { value: make(), untilMs: now + ms };
    return kept.value;
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
