import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { createAdmin } from "../../src/admin/app.ts";
import type { Sent } from "../../src/control/api/http-server.ts";
import { adminAccess } from "./access.ts";

const AUTH = { user: "admin", password: "s3cret:x" };

interface Ran {
  readonly handler: (request: Request, client?: string) => Response | Promise<Response>;
  readonly asked: () => number;
  readonly lines: readonly string[];
}

function admin(auth: typeof AUTH | null = null, stopping = false): Ran {
  const { access, asked, lines } = adminAccess(auth, stopping);
  const app = createAdmin(access);
  const sentFrom = (remoteAddress: string): Sent => ({ incoming: { socket: { remoteAddress } as Socket } });
  return { handler: (request, client = "10.0.0.9") => app.fetch(request, sentFrom(client)), asked, lines };
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

  describe("A4: the Host field without a password", () => {
    test.each([
      ["127.0.0.1:50000", 200],
      ["127.0.0.1", 200],
      ["[::1]:50000", 200],
      ["[fd00::1]", 200],
      ["localhost:50000", 200],
      ["LOCALHOST", 200],
      ["localhost.", 200],
      ["evil.example", 403],
      ["evil.example:50000", 403],
      ["127.0.0.1.evil.example", 403],
      ["localhost.evil.example", 403],
      ["[::1].evil.example", 403],
      ["[evil.example]", 403],
      ["", 403],
    ])("%j: %d", async (host, want) => {
      for (const path of ["/", "/v1/status", "/metrics", "/readyz"]) {
        const response = await admin().handler(get(path, { host }));
        expect([path, response.status, response.headers.get("x-content-type-options")]).toEqual([
          path,
          want,
          "nosniff",
        ]);
      }
    });

    test("with one, any", async () => {
      const headers = { host: "lb.example", ...basic("admin:s3cret:x") };
      expect((await admin(AUTH).handler(get("/v1/status", headers))).status).toBe(200);
    });
  });

  describe("A4: wrong passwords", () => {
    const wrong = (): Request => get("/v1/status", basic("admin:guess"));
    const right = (): Request => get("/v1/status", basic("admin:s3cret:x"));

    test("forty in a row get 429 after ten, and so does the right one then; others are let in", async () => {
      const { handler } = admin(AUTH);
      const codes: number[] = [];
      for (let time = 0; time < 40; time++) codes.push((await handler(wrong())).status);
      expect(codes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
      expect(codes.slice(11)).toEqual(Array.from({ length: 29 }, () => 429));
      const late = await handler(right());
      expect([late.status, late.headers.get("retry-after")]).toEqual([429, "1"]);
      expect((await handler(right(), "10.0.0.10")).status).toBe(200);
      expect((await handler(get("/readyz"))).status).toBe(200);
    });

    test("from one IPv6 network count together", async () => {
      const { handler } = admin(AUTH);
      for (let time = 0; time < 12; time++) await handler(wrong(), `2001:db8::${time}`);
      expect((await handler(wrong(), "2001:db8::99")).status).toBe(429);
      expect((await handler(wrong(), "2001:db8:0:1::1")).status).toBe(401);
    });

    test("are logged, not each of them; asking without one is not", async () => {
      const { handler, lines } = admin(AUTH);
      await handler(get("/v1/status"));
      for (let time = 0; time < 5; time++) await handler(wrong(), "::ffff:10.0.0.7");
      expect(lines).toEqual(["1 wrong password from 10.0.0.7"]);
    });
  });
});
