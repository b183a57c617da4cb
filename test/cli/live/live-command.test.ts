/** Commands that speak to a running edge-lb, against a control socket that answers what a test wants. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Explanation } from "../../../src/control/api/explain-name.ts";
import { openControlSocket, type ControlSocket } from "../../../src/control/api/control-socket.ts";
import { edgeLb } from "../running.ts";

let folder: string;
let path: string;
let socket: ControlSocket;
let asked: string[];
let answer: { readonly status?: number; readonly body: unknown };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-live-"));
  path = join(folder, "edge-lb.sock");
  socket = await openControlSocket(path);
  socket.serve(async (request) => {
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    if (pathname === "/v1/") return Response.json({ pid: 1 });
    asked.push(`${request.method} ${pathname}${search}${body === "" ? "" : ` ${body}`}`);
    return Response.json(answer.body, { status: answer.status ?? 200 });
  });
});
afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(argv: string, gives: typeof answer) {
  asked = [];
  answer = gives;
  return edgeLb([...argv.split(" "), "--control", path]);
}

const CHANGED = { ok: true, changes: ["cluster new added"], needsRestart: ["listen.api: :1 -> :2"] };

describe("a command", () => {
  test.each([
    ["reload", CHANGED, ["POST /v1/reload"], "cluster new added\nneeds a restart: listen.api: :1 -> :2\n"],
    ["reload", { ...CHANGED, changes: [], needsRestart: [] }, ["POST /v1/reload"], "nothing changed\n"],
    [
      "add new=10.0.0.1,10.0.0.2,check=off --save",
      { ...CHANGED, needsRestart: [], saved: "/etc/edge.yaml" },
      ["PUT /v1/clusters/new?save=1 10.0.0.1,10.0.0.2,check=off"],
      "cluster new added\nsaved to /etc/edge.yaml\n",
    ],
    [
      "rm hub",
      { ok: true, changes: ["cluster hub removed"], needsRestart: [], active: 1, cutSeconds: 30 },
      ["DELETE /v1/clusters/hub"],
      "cluster hub removed\n1 open connection: cut in 30s\n",
    ],
    [
      "rm hub --now --save",
      { ok: true, changes: [], needsRestart: [], active: 2, cutSeconds: 0 },
      ["DELETE /v1/clusters/hub?now=1&save=1"],
      "nothing changed\n2 open connections cut\n",
    ],
    [
      "add hub",
      { changes: ["cluster hub added"], needsRestart: [] },
      ["POST /v1/clusters/hub/restore"],
      "cluster hub added\n",
    ],
    ["rm hub --undo", { changes: [], needsRestart: [] }, ["POST /v1/clusters/hub/restore"], "nothing changed\n"],
    [
      "rm hub",
      { changes: ["cluster hub removed"], needsRestart: [], stillIn: "lab.yaml:3:3" },
      ["DELETE /v1/clusters/hub"],
      "cluster hub removed\nlab.yaml:3:3 still has it: edge-lb add hub brings it back\n",
    ],
    [
      "reload --allow-empty",
      { changes: [], needsRestart: [], notes: ["cluster hub stays removed"] },
      ["POST /v1/reload?allow-empty=1"],
      "nothing changed\ncluster hub stays removed\n",
    ],
    [
      "drain hub/fd00::1",
      { pools: ["api", "https"], active: 0, cutSeconds: 30 },
      ["PUT /v1/clusters/hub/nodes/fd00%3A%3A1/drain"],
      "hub/fd00::1 takes no new clients: api, https\n",
    ],
    [
      "drain hub/10.0.0.1",
      { pools: ["api", "http"], active: 0, cutSeconds: 30, empty: ["api"] },
      ["PUT /v1/clusters/hub/nodes/10.0.0.1/drain"],
      "hub/10.0.0.1 takes no new clients: api, http\nwarning: it was the last, no node takes clients of api now\n",
    ],
    [
      "drain hub/a.lab --undo",
      { pools: ["api"], active: 3, cutSeconds: 30 },
      ["DELETE /v1/clusters/hub/nodes/a.lab/drain"],
      "hub/a.lab takes new clients again: api\n",
    ],
    ["status --json", { version: 1 }, ["GET /v1/status"], '{\n  "version": 1\n}\n'],
  ])("%s", async (argv, body, calls, out) => {
    expect(await run(argv, { body })).toMatchObject({ code: 0, out, err: "" });
    expect(asked).toEqual(calls);
  });

  const REFUSED = {
    errors: [{ code: "CONFIG_INVALID", where: "lab.yaml:2:3", message: "Cannot use this", hint: "see" }],
  };
  const LINE = "edge-lb: lab.yaml:2:3: Cannot use this (CONFIG_INVALID); see\n";
  test.each([
    ["add new=x", { status: 422, body: REFUSED }, 2, LINE],
    ["reload", { status: 422, body: REFUSED }, 1, `${LINE}nothing has changed\n`],
    [
      "rm x",
      { status: 404, body: { errors: [{ code: "NOT_FOUND", message: "No x" }] } },
      1,
      "edge-lb: No x (NOT_FOUND)\n",
    ],
    ["status", { status: 500, body: "?" }, 1, /^edge-lb: Cannot use the answer on .*: 500 "\?" \(CONTROL_FAILED\)\n$/],
  ])("%s says what was refused", async (argv, gives, code, err) => {
    const ran = await run(argv, gives);
    expect([ran.code, ran.out]).toEqual([code, ""]);
    expect(ran.err).toMatch(err);
  });

  test.each([
    ["add new=", 'Cannot add "new=": NAME=NODE[,NODE...] wanted'],
    ["rm hub --undo --now", "Cannot use --undo"],
    ["drain hub", 'Cannot drain "hub": CLUSTER/NODE wanted, such as hub/192.168.125.20'],
    ["drain /node", "CLUSTER/NODE wanted"],
  ])("%s is refused before anybody is asked", async (argv, message) => {
    const { code, err } = await run(argv, { body: {} });
    expect([code, asked]).toEqual([2, []]);
    expect(err).toContain(message);
  });
});

describe("healthcheck", () => {
  test.each([
    [{ body: { ready: true, reason: null } }, 0, "ready\n"],
    [{ body: { ready: false, reason: "stopping" } }, 1, "not ready: stopping\n"],
    [
      { status: 500, body: { errors: [{ code: "INTERNAL", message: "Cannot answer" }] } },
      1,
      "not ready: Cannot answer\n",
    ],
  ])("says in one line and its exit code: %p", async (gives, code, out) => {
    expect(await run("healthcheck", gives)).toMatchObject({ code, out, err: "" });
    expect(asked).toEqual(["GET /v1/ready"]);
  });

  test("is not ready where nothing listens", async () => {
    const path = join(folder, "none.sock");
    const { code, out } = await edgeLb(["healthcheck", "--control", path]);
    expect([code, out]).toEqual([1, `not ready: Cannot reach edge-lb on ${path}: nothing listens there\n`]);
  });

  test.each([
    [200, "ok\n", "--control off", 0, "ready\n"],
    [200, "ok\n", "--control PATH", 0, "ready\n"],
    [503, "stopping\n", "--control off", 1, "not ready: stopping\n"],
    [404, "Not found\n", "--control off", 1, "not ready: Cannot use the answer on http://AT/readyz: 404 Not found\n"],
    [200, "<html>\n", "--control off", 1, "not ready: Cannot use the answer on http://AT/readyz: 200 <html>\n"],
  ])("without a control socket asks the admin address: %d %p, %s", async (status, text, control, code, out) => {
    using admin = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => new Response(url.endsWith("/readyz") ? text : "", { status }),
    });
    const at = `127.0.0.1:${admin.port}`;
    const flags = control.replace("PATH", join(folder, "none.sock")).split(" ");
    const ran = await edgeLb(["healthcheck", ...flags, "--admin", at]);
    expect([ran.code, ran.out]).toEqual([code, out.replace("AT", at)]);
  });

  test("says that neither the control socket nor the admin address answers", async () => {
    const admin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const at = `127.0.0.1:${admin.port}`;
    await admin.stop(true);
    const { code, out } = await edgeLb(["healthcheck", "--control", "off", "--admin", at]);
    expect([code, out]).toEqual([1, `not ready: Cannot reach edge-lb on http://${at}/readyz: nothing listens there\n`]);
  });

  test("waits for no answer longer than keepalived does", async () => {
    using admin = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Promise<Response>(() => {}) });
    const at = `127.0.0.1:${admin.port}`;
    const { code, out } = await edgeLb(["healthcheck", "--control", "off", "--admin", at]);
    expect([code, out]).toEqual([
      1,
      `not ready: Cannot reach edge-lb on http://${at}/readyz: no answer within 900 ms\n`,
    ]);
  });
});

describe("no edge-lb", () => {
  test("at a path that was given: exit 1", async () => {
    const { code, err } = await edgeLb(["status", "--control", join(folder, "none.sock")]);
    expect([code, err]).toEqual([
      1,
      `edge-lb: Cannot reach edge-lb on ${join(folder, "none.sock")}: nothing listens there (CONTROL_FAILED)\n`,
    ]);
  });

  test("--control off: exit 2", async () => {
    expect(await edgeLb(["status", "--control", "off"])).toMatchObject({ code: 2 });
  });
});

describe("explain", () => {
  const HEALTH = { reason: "/readyz 200", sinceSeconds: 3_725, total: 9, bytesUp: 0, bytesDown: 0 };
  const MATCH: Explanation["matches"][number] = {
    kind: "api",
    rule: "api.hub.lab",
    cluster: "hub",
    from: "lab.yaml:4:3",
    allow: ["10.0.0.0/8"],
    refused: null,
    allDown: "try",
    pool: { kind: "api", policy: "leastconn", rung: "readyz", state: "up", active: 5, ...HEALTH },
    candidates: [
      {
        node: "a.lab",
        ip: "10.0.0.1",
        port: 6443,
        state: "up",
        active: 5,
        failures: 0,
        lastFailure: null,
        role: "given",
        identity: "proven",
        used: true,
        weight: 40,
        ...HEALTH,
      },
      {
        node: "10.0.0.2",
        ip: "10.0.0.2",
        port: 6443,
        state: "dead",
        active: 0,
        failures: 2,
        lastFailure: { error: "refused", time: "" },
        role: "given",
        identity: "proven",
        used: false,
        weight: 100,
        ...HEALTH,
        reason: "connection refused",
      },
    ],
  };

  test("shows every candidate as it is now", async () => {
    const ran = await run("explain api.hub.lab", {
      body: { name: "api.hub.lab", kinds: ["api"], matches: [MATCH], nearest: null },
    });
    expect(asked).toEqual(["GET /v1/explain?name=api.hub.lab"]);
    expect(ran.code).toBe(0);
    expect(ran.out).toBe(
      [
        "api.hub.lab on api",
        "  rule       api.hub.lab",
        "  cluster    hub (lab.yaml:4:3)",
        "  allow      10.0.0.0/8",
        "  pool       api, leastconn, 2 candidates, 5 open",
        "             > 10.0.0.1:6443 a.lab  up    1h 2m  5 open  /readyz 200; slow start at 40 %",
        "               10.0.0.2:6443        dead  1h 2m  0 open  connection refused; 2 failed dials, the last refused",
        "",
      ].join("\n"),
    );
  });

  test("of an unknown name tells the nearest, exit 1", async () => {
    const body = { name: "api.hbu.lab", kinds: ["api", "https"], matches: [], nearest: "api.hub.lab" };
    const ran = await run("explain api.hbu.lab", { body });
    expect([ran.code, ran.out]).toEqual([
      1,
      "api.hbu.lab: no cluster has this name on api, https; nearest is api.hub.lab\n",
    ]);
  });

  test("asks the configuration that is given, not the one that runs", async () => {
    asked = [];
    const ran = await edgeLb(["explain", "api.hub.lab", "--cluster", "hub=10.0.0.1,domain=hub.lab"]);
    expect([ran.code, asked]).toEqual([0, []]);
  });
});
