import { describe, expect, test } from "bun:test";
import { createAdmin } from "../../src/admin/app.ts";
import type { Handler } from "../../src/control/api/http-server.ts";
import type { Instance } from "../../src/control/api/instance.ts";
import { RecentEvents } from "../../src/control/log/recent-events.ts";
import { openBoard } from "../../src/seam/board.ts";
import { SERVICES } from "../../src/seam/services.ts";
import { sampleStatus } from "./status-sample.ts";

const AUTH = { user: "admin", password: "s3cret:x" };

function admin(auth: typeof AUTH | null = null, stopping = false): { handler: Handler; asked: () => number } {
  let asked = 0;
  const refuse = (): never => {
    throw new Error("the admin plane changed something");
  };
  const instance: Instance = {
    release: "0.1.0",
    events: new RecentEvents(),
    stopping,
    status() {
      asked += 1;
      return sampleStatus();
    },
    explain: refuse,
    reload: refuse,
    restoreCluster: refuse,
    putCluster: refuse,
    deleteCluster: refuse,
    drain: refuse,
  };
  const app = createAdmin({
    instance,
    services: SERVICES,
    board: openBoard(1),
    auth,
    signal: new AbortController().signal,
  });
  return { handler: (request) => app.fetch(request), asked: () => asked };
}

function get(path: string, headers: Record<string, string> = {}, method = "GET"): Request {
  return new Request(`http://edge-lb${path}`, { headers, method });
}

function basic(text: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}

describe("createAdmin()", () => {
  test.each([
    ["/", "text/html; charset=UTF-8", "<!doctype html>"],
    ["/metrics", "text/plain; version=0.0.4; charset=utf-8", "# HELP edge_lb_build_info"],
    ["/;csv", "text/plain; charset=utf-8", "# pxname,svname"],
    ["/haproxy?stats;csv", "text/plain; charset=utf-8", "# pxname,svname"],
    ["/v1/status", "application/json", '{"version":1'],
    ["/healthz", "text/plain; charset=utf-8", "ok\n"],
    ["/readyz", "text/plain; charset=utf-8", "ok\n"],
  ])("serves %s", async (path, type, start) => {
    const response = await admin().handler(get(path));
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
    expect(await response.text()).toStartWith(start);
  });

  test("says what there is for a path that is not there", async () => {
    const response = await admin().handler(get("/nope"));
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining("/metrics")]);
  });

  test("gives every answer the headers that keep it where it belongs", async () => {
    for (const path of ["/", "/metrics", "/v1/status", "/nope", "/healthz"]) {
      const { headers } = await admin().handler(get(path));
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });

  test("only reads", async () => {
    const { handler } = admin();
    for (const [method, path] of [
      ["POST", "/v1/reload"],
      ["PUT", "/v1/clusters/x"],
      ["DELETE", "/v1/clusters/hub"],
      ["POST", "/"],
    ]) {
      const response = await handler(get(path ?? "", {}, method));
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
  });

  test("tells a stopping instance from a ready one", async () => {
    const response = await admin(null, true).handler(get("/readyz"));
    expect([response.status, await response.text()]).toEqual([503, "stopping\n"]);
  });

  test.each([
    ["no header", {}, 401],
    ["another scheme", { authorization: "Bearer x" }, 401],
    ["broken base64", { authorization: "Basic %%%" }, 401],
    ["another user", basic("root:s3cret:x"), 401],
    ["half the password", basic("admin:s3cret"), 401],
    ["the right words", basic("admin:s3cret:x"), 200],
    [
      "the right words and a scheme in capitals",
      { authorization: `BASIC ${Buffer.from("admin:s3cret:x").toString("base64")}` },
      200,
    ],
  ])("asks for a password: %s", async (_, headers, want) => {
    const response = await admin(AUTH).handler(get("/v1/status", headers));
    expect(response.status).toBe(want);
    if (want === 401) expect(response.headers.get("www-authenticate")).toStartWith("Basic ");
  });

  test("lets probes of edge-lb itself in without one", async () => {
    for (const path of ["/healthz", "/readyz"]) expect((await admin(AUTH).handler(get(path))).status).toBe(200);
  });

  test("makes one status a second, however many look", async () => {
    const { handler, asked } = admin();
    for (let viewer = 0; viewer < 10; viewer++) for (const path of ["/", "/v1/status"]) await handler(get(path));
    expect(asked()).toBe(1);
  });
});
