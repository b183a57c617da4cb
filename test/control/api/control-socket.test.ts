import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EdgeError } from "../../../src/errors.ts";
import { openControlSocket, type ControlSocket } from "../../../src/control/api/control-socket.ts";

let folder: string;
let path: string;
let open: ControlSocket[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-control-"));
  path = join(folder, "edge-lb.sock");
  open = [];
});
afterEach(() => {
  for (const socket of open) socket.close();
  rmSync(folder, { recursive: true, force: true });
});

async function listen(): Promise<ControlSocket> {
  const socket = await openControlSocket(path);
  open.push(socket);
  return socket;
}

const get = (target: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`http://edge-lb${target}`, { ...init, unix: path } as RequestInit);

/** A socket file whose process is gone. */
async function leaveStale(): Promise<void> {
  const left = Bun.spawn(
    [
      process.execPath,
      "-e",
      `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`,
    ],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await left.stdout.getReader().read();
  left.kill("SIGKILL");
  await left.exited;
}

describe("openControlSocket()", () => {
  test("makes a socket for its user alone", async () => {
    await listen();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("hands requests to the API, and says that it is starting before", async () => {
    const socket = await listen();
    expect((await get("/v1")).status).toBe(503);
    socket.serve(async (request) => {
      const { pathname, search } = new URL(request.url);
      const head = `${request.method} ${pathname}${search} ${request.headers.get("x-a")}`;
      return new Response(`${head} ${await request.text()}`, { status: 201, headers: { "x-b": "c" } });
    });
    const response = await get("/v1/x?y=1", { method: "PUT", body: "spec", headers: { "x-a": "b" } });
    expect([response.status, response.headers.get("x-b"), await response.text()]).toEqual([
      201,
      "c",
      "PUT /v1/x?y=1 b spec",
    ]);
  });

  test("ends a stream when its reader goes", async () => {
    const socket = await listen();
    const cancelled = Promise.withResolvers<void>();
    socket.serve(() =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(new TextEncoder().encode("first\n")),
            cancel: () => cancelled.resolve(),
          }),
        ),
      ),
    );
    const client = net.connect(path);
    client.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise<void>((resolve) => client.on("data", (data) => String(data).includes("first") && resolve()));
    client.destroy();
    await cancelled.promise;
  });

  test("replaces what a killed instance left", async () => {
    await leaveStale();
    expect(statSync(path).isSocket()).toBe(true);
    await listen();
    expect((await get("/v1")).status).toBe(503);
  });

  test("names the instance that has it", async () => {
    const first = await listen();
    first.serve(() => Promise.resolve(Response.json({ name: "edge-lb", pid: 4711, stopping: false })));
    expect(openControlSocket(path)).rejects.toThrow(`Cannot use control socket ${path}: edge-lb with pid 4711 has it`);
  });

  test("is one's alone, however many find what a killed one left (13 B3)", async () => {
    for (let round = 0; round < 3; round++) {
      await leaveStale();
      const tries = await Promise.allSettled(Array.from({ length: 8 }, () => openControlSocket(path)));
      const taken = tries.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      const codes = tries.flatMap((each) => (each.status === "rejected" ? [(each.reason as EdgeError).code] : []));
      for (const socket of taken) socket.close();
      expect([taken.length, ...new Set(codes)]).toEqual([1, "ALREADY_RUNNING"]);
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test("takes away no file that is no socket", async () => {
    writeFileSync(path, "mine");
    expect(openControlSocket(path)).rejects.toThrow("there is a file that is no socket");
    expect(statSync(path).size).toBe(4);
  });

  test.each([
    ["in a circle of links", "circle/edge-lb.sock", "its path leads round in links"],
    ["below a file", "file/edge-lb.sock", "a part of its path is no folder"],
    ["of a name that is too long", `${"x".repeat(300)}/edge-lb.sock`, "bytes long, at most 107 wanted"],
  ])("A7: says of a path %s what is wrong with it", async (_, name, words) => {
    symlinkSync("circle", join(folder, "circle"));
    writeFileSync(join(folder, "file"), "");
    const error = await openControlSocket(join(folder, name)).catch((thrown: unknown) => thrown as EdgeError);
    expect(error).toMatchObject({ code: "CONTROL_FAILED", message: expect.stringContaining(words) });
  });

  test("says that its folder is missing", () => {
    expect(openControlSocket(join(folder, "none", "x.sock"))).rejects.toThrow("its folder does not exist");
  });

  test("frees its path", async () => {
    const socket = await openControlSocket(path);
    socket.close();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("leaves the path alone when somebody else has it by then", async () => {
    const first = await openControlSocket(path);
    rmSync(path);
    await listen();
    first.close();
    expect((await get("/v1")).status).toBe(503);
  });
});
