import { describe, expect, test } from "bun:test";
import { createApi } from "../../../src/control/api/api.ts";
import type { Instance } from "../../../src/control/api/instance.ts";
import { LiveTail } from "../../../src/control/log/live-tail.ts";
import { RecentEvents } from "../../../src/control/log/recent-events.ts";
import type { Status } from "../../../src/control/status/report.ts";
import { EdgeError } from "../../../src/errors.ts";

function bench(readOnly = false) {
  const calls: unknown[][] = [];
  const events = new RecentEvents(() => 0);
  const closing = new AbortController();
  const instance: Instance = {
    release: "1.2.3",
    events,
    stopping: false,
    certificates: () => [],
    nodesOf: (cluster) => (cluster === "hub" ? ["10.0.0.1", "10.0.0.40"] : null),
    tail: new LiveTail(() => {}),
    unready: () => null,
    status: (options) => ({ version: 1, asked: options }) as unknown as Status,
    explain(text) {
      if (text === "") throw new EdgeError("USAGE", "Cannot explain: a name wanted");
      return { name: text, kinds: ["api"], matches: [], nearest: null };
    },
    reload(why, allowEmpty) {
      calls.push(["reload", allowEmpty]);
      return Promise.resolve({ ok: true, changes: [why], needsRestart: [] });
    },
    restoreCluster(...args) {
      calls.push(["restore", ...args]);
      return Promise.resolve({ ok: true, changes: [], needsRestart: [] });
    },
    putCluster(...args) {
      calls.push(["put", ...args]);
      const error = new EdgeError("CONFIG_INVALID", "Cannot use nodes", { where: "add hub=", hint: "see --help" });
      return Promise.resolve(
        args[1] === "" ? { ok: false, errors: [error] } : { ok: true, changes: [], needsRestart: [] },
      );
    },
    deleteCluster(...args) {
      calls.push(["delete", ...args]);
      return Promise.resolve({ ok: true, changes: [], needsRestart: [], active: 2, cutSeconds: 0 });
    },
    drain(...args) {
      calls.push(["drain", ...args]);
      return args[1] === "10.0.0.1" ? { pools: ["api"], active: 1, cutSeconds: 30 } : null;
    },
    upgrade(to) {
      calls.push(["upgrade", to]);
      if (to === "/nowhere") throw new EdgeError("UPGRADE_FAILED", "Cannot upgrade to /nowhere: there is no such file");
      return Promise.resolve({ release: "1.2.4", pid: 7, moved: 3, restMs: 3, stayed: 0, note: null });
    },
  };
  const api = createApi(instance, { readOnly, signal: closing.signal });
  const ask = async (method: string, path: string, body?: string, headers?: Record<string, string>) => {
    const init = { method, ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) };
    const response = await api.fetch(new Request(`http://edge-lb${path}`, init));
    return { status: response.status, body: (await response.json()) as unknown, headers: response.headers };
  };
  return { ask, api, calls, events, closing };
}

describe("createApi()", () => {
  test("says who it is", async () => {
    const { body } = await bench().ask("GET", "/v1");
    expect(body).toEqual({ name: "edge-lb", release: "1.2.3", pid: process.pid, stopping: false });
  });

  test.each([
    ["/v1/ready", { ready: true, reason: null }],
    ["/v1/status", { version: 1, asked: { history: false } }],
    ["/v1/status?history=1", { version: 1, asked: { history: true } }],
    ["/v1/status?history=0", { version: 1, asked: { history: false } }],
    ["/v1/explain?name=api.hub.lab", { name: "api.hub.lab", kinds: ["api"], matches: [], nearest: null }],
  ])("answers GET %s", async (path, body) => {
    expect(await bench().ask("GET", path)).toMatchObject({ status: 200, body });
  });

  test.each([
    ["PUT", "/v1/clusters/hub", "10.0.0.1,10.0.0.2\n", {}, ["put", "hub", "10.0.0.1,10.0.0.2", false]],
    [
      "PUT",
      "/v1/clusters/hub?save=1",
      '{"spec":"10.0.0.1"}',
      { "content-type": "application/json" },
      ["put", "hub", "10.0.0.1", true],
    ],
    ["POST", "/v1/reload", undefined, {}, ["reload", false]],
    ["POST", "/v1/reload?allow-empty=1", undefined, {}, ["reload", true]],
    ["POST", "/v1/clusters/hub/restore", undefined, {}, ["restore", "hub"]],
    ["DELETE", "/v1/clusters/a.lab", undefined, {}, ["delete", "a.lab", false, false]],
    ["DELETE", "/v1/clusters/hub?now=1&save", undefined, {}, ["delete", "hub", true, true]],
    ["PUT", "/v1/clusters/hub/nodes/10.0.0.1/drain", undefined, {}, ["drain", "hub", "10.0.0.1", true]],
    ["DELETE", "/v1/clusters/hub/nodes/10.0.0.1/drain", undefined, {}, ["drain", "hub", "10.0.0.1", false]],
  ])("%s %s is told to the instance", async (method, path, body, headers, call) => {
    const { ask, calls } = bench();
    expect(await ask(method, path, body, headers)).toMatchObject({ status: 200, body: { ok: true } });
    expect(calls).toEqual([call]);
  });

  test("reads names with escapes in the path", async () => {
    const { ask, calls } = bench();
    expect((await ask("PUT", "/v1/clusters/hub/nodes/fd00%3A%3A1/drain")).status).toBe(404);
    expect(calls).toEqual([["drain", "hub", "fd00::1", true]]);
  });

  test.each([
    ["GET", "/", undefined, 404, "NOT_FOUND"],
    ["GET", "/v2/status", undefined, 404, "NOT_FOUND"],
    ["GET", "/v1/clusters/a/b", undefined, 404, "NOT_FOUND"],
    ["POST", "/v1/status", undefined, 405, "USAGE"],
    ["GET", "/v1/explain", undefined, 400, "USAGE"],
    ["GET", "/v1/clusters/%ff", undefined, 405, "USAGE"],
    ["DELETE", "/v1/clusters/%ff", undefined, 400, "USAGE"],
    ["PUT", "/v1/clusters/hub", "", 422, "CONFIG_INVALID"],
  ])("%s %s %p: %d", async (method, path, body, status, code) => {
    expect(await bench().ask(method, path, body)).toMatchObject({ status, body: { errors: [{ code }] } });
  });

  test.each(["{", "[]", '{"spec":1}', '"a"'])("refuses the JSON body %s", async (body) => {
    const answer = await bench().ask("PUT", "/v1/clusters/hub", body, { "content-type": "application/json" });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ code: "USAGE" }] } });
  });

  test.each([
    ["said", () => "x".repeat(300_000)],
    ["streamed", () => new Blob(["x".repeat(300_000)]).stream()],
  ])("refuses a body that is too large: %s", async (_, body) => {
    const { api, calls } = bench();
    const response = await api.fetch(new Request("http://edge-lb/v1/clusters/hub", { method: "PUT", body: body() }));
    expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
    expect(calls).toEqual([]);
  });

  test("gives errors with all their parts", async () => {
    const { body } = await bench().ask("PUT", "/v1/clusters/hub", "");
    const line = "add hub=: Cannot use nodes (CONFIG_INVALID); see --help";
    const error = { code: "CONFIG_INVALID", message: "Cannot use nodes", hint: "see --help", where: "add hub=", line };
    expect(body).toEqual({ errors: [error] });
  });

  test("changes nothing where it is read only", async () => {
    const { ask, calls } = bench(true);
    for (const [method, path] of [
      ["POST", "/v1/reload"],
      ["PUT", "/v1/clusters/hub"],
      ["DELETE", "/v1/clusters/hub"],
      ["PUT", "/v1/clusters/hub/nodes/10.0.0.1/drain"],
    ] as const) {
      expect([404, 405]).toContain((await ask(method, path)).status);
    }
    expect(calls).toEqual([]);
    expect((await ask("GET", "/v1/status")).status).toBe(200);
  });
});

describe("GET /v1/events", () => {
  async function read(reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">, until: string): Promise<string> {
    let text = "";
    while (!text.includes(until)) {
      const { done, value } = await reader.read();
      if (done) return text;
      text += new TextDecoder().decode(value);
    }
    return text;
  }

  test("sends what is remembered, then what comes, and ends with the instance", async () => {
    const { api, events, closing } = bench();
    events.add("info", "health", "first");
    const response = await api.fetch(new Request("http://edge-lb/v1/events"));
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body!.getReader();
    expect(await read(reader, "first")).toContain('id: 1\nevent: log\ndata: {"id":1,');
    events.add("info", "health", "second");
    expect(await read(reader, "second")).toContain("id: 2\n");
    closing.abort();
    expect((await reader.read()).done).toBe(true);
  });

  test("keeps no subscriber for a HEAD request", async () => {
    const { api, events } = bench();
    let subscribers = 0;
    const { subscribe } = events;
    events.subscribe = (listener) => {
      subscribers += 1;
      const end = subscribe.call(events, listener);
      return () => {
        subscribers -= 1;
        end();
      };
    };
    const response = await api.fetch(new Request("http://edge-lb/v1/events", { method: "HEAD" }));
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(subscribers).toBe(0);
  });

  test("begins after the id that the client saw last", async () => {
    const { api, events } = bench();
    for (const message of ["first", "second"]) events.add("info", "health", message);
    const response = await api.fetch(new Request("http://edge-lb/v1/events", { headers: { "last-event-id": "1" } }));
    const reader = response.body!.getReader();
    expect(await read(reader, "second")).not.toContain("first");
    await reader.cancel();
    events.add("info", "health", "nobody listens");
  });

  test.each([
    ["hub", "7", "Cannot drain hub/7: there is no such node (NOT_FOUND); hub has 10.0.0.1, 10.0.0.40"],
    ["hub", "40", "Cannot drain hub/40: there is no such node (NOT_FOUND); did you mean hub/10.0.0.40"],
    ["hbu", "1", "Cannot drain hbu/1: there is no such cluster (NOT_FOUND)"],
  ])("says which nodes there are to drain: %s/%s", async (cluster, node, line) => {
    const { status, body } = await bench().ask("PUT", `/v1/clusters/${cluster}/nodes/${node}/drain`);
    expect([status, body]).toMatchObject([404, { errors: [{ line }] }]);
  });
});
