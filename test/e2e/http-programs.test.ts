/** Programs people use, through port 80 of the program under test. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

const PROGRAMS = new URL("../fixtures/http/programs/", import.meta.url).pathname;
const NODES = { hub: "127.25.0.1", two: "127.25.0.2" } as const;
const HOSTS = { hub: "a.apps.hub.lab", two: "b.apps.two.lab" } as const;
const GB = 1_000_000_000;
const engines = ["source", "binary"].includes(process.env["EDGE_LB_PROGRAM"] ?? "source") ? ["linux", "bun"] : ["node"];

/** 1 GB that takes no room on the disk. */
const folder = mkdtempSync(join(tmpdir(), "edge-lb-http-"));
const zeros = join(folder, "zeros");
writeFileSync(zeros, "");
truncateSync(zeros, GB);
afterAll(() => rmSync(folder, { recursive: true }));

/** Says who it is, and how many bytes it was sent. */
function serve(cluster: keyof typeof NODES, port: number): Bun.Server<undefined> {
  return Bun.serve({
    hostname: NODES[cluster],
    port,
    idleTimeout: 60,
    maxRequestBodySize: 2 * GB,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      let bytes = 0;
      if (request.body !== null) for await (const chunk of request.body) bytes += chunk.length;
      if (pathname === "/poll") await Bun.sleep(Number(searchParams.get("ms")));
      if (pathname === "/zeros") return new Response(Bun.file(zeros));
      return Response.json({ cluster, path: pathname, bytes, version: request.headers.get("x-forwarded-proto") });
    },
  });
}

describe.each(engines)("engine %s", (engine) => {
  let edge: EdgeLb;
  let port = 0;
  let nodePort = 0;
  let stops: (() => unknown)[] = [];
  beforeAll(async () => {
    [port = 0, nodePort = 0] = await freePorts(2);
    const servers = [serve("hub", nodePort), serve("two", nodePort)];
    stops = servers.map((server) => () => server.stop(true));
    const clusters = Object.entries(NODES).flatMap(([name, ip]) => [
      "--cluster",
      `${name}=${ip},domain=${name}.lab,http-port=${nodePort},check=off`,
    ]);
    const listen = [`http=127.0.0.1:${port}`, "api=off", "https=off"].flatMap((spec) => ["--listen", spec]);
    edge = await startEdgeLb(["--engine", engine, "--workers", "1", "--access-log", "off", ...listen, ...clusters]);
  });
  afterAll(async () => {
    await edge?.stop();
    for (const stop of stops) await stop();
  });

  const url = (host: string, path: string): string => `http://${host}:${port}${path}`;
  const curl = (...more: readonly string[]): Promise<CommandResult> =>
    command(
      [
        ["curl", "--silent", "--show-error", "--max-time", "100", "--noproxy", "*"],
        Object.values(HOSTS).flatMap((host) => ["--resolve", `${host}:${port}:127.0.0.1`]),
        more,
      ],
      { timeoutMs: 110_000 },
    );

  test("curl asks two clusters in turn", async () => {
    const urls = [HOSTS.hub, HOSTS.two, HOSTS.hub].map((host, index) => url(host, `/n/${index}`));
    const { out } = await curl(...urls);
    expect(out.match(/"cluster":"\w+"/g)).toEqual(['"cluster":"hub"', '"cluster":"two"', '"cluster":"hub"']);
  });

  test("one kept-alive connection reaches two clusters", async () => {
    const socket = net.connect({ host: "127.0.0.1", port });
    let text = "";
    for await (const chunk of (async function* () {
      for (const host of [HOSTS.hub, HOSTS.two, HOSTS.hub]) socket.write(`GET /k HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      yield* socket;
    })()) {
      text += String(chunk);
      if ((text.match(/"cluster"/g) ?? []).length === 3) break;
    }
    expect(text.match(/"cluster":"\w+"/g)).toEqual(['"cluster":"hub"', '"cluster":"two"', '"cluster":"hub"']);
  });

  test("curl speaks HTTP/1.0", async () => {
    const { out } = await curl("--http1.0", "--include", url(HOSTS.hub, "/old"));
    expect(out).toContain("Connection: close");
    expect(out).toContain('"path":"/old"');
  });

  const upload = (...more: readonly string[]): readonly string[] =>
    [
      "curl",
      "--silent",
      "--show-error",
      "--max-time",
      "100",
      "--header",
      "Expect:",
      "--header",
      `Host: ${HOSTS.two}`,
    ].concat(more, `http://127.0.0.1:${port}/up`);
  test.each([
    ["with a length", (): readonly string[] => upload("--upload-file", zeros)],
    ["chunked", (): readonly string[] => ["sh", "-c", `"$@" < ${zeros}`, "sh", ...upload("--upload-file", "-")]],
  ])(
    "curl uploads 1 GB %s",
    async (_, line) => {
      const { out, err } = await command(line(), { timeoutMs: 110_000 });
      expect({ out, err }).toMatchObject({ out: expect.stringContaining(`"bytes":${GB}`), err: "" });
    },
    120_000,
  );

  test("curl downloads 1 GB", async () => {
    const { out, err } = await curl(
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code} %{size_download}",
      url(HOSTS.hub, `/zeros`),
    );
    expect({ out, err }).toEqual({ out: `200 ${GB}`, err: "" });
  }, 120_000);

  test("a reader that stops in the middle of 1 GB costs little memory", async () => {
    const before = residentKb(edge.pid);
    const socket = net.connect({ host: "127.0.0.1", port });
    await new Promise<void>((resolve) => {
      socket.once("data", (chunk) => {
        expect(String(chunk)).toStartWith("HTTP/1.1 200 ");
        socket.pause();
        resolve();
      });
      socket.write(`GET /zeros HTTP/1.1\r\nHost: ${HOSTS.hub}\r\n\r\n`);
    });
    let most = 0;
    for (let looks = 0; looks < 20; looks++) {
      await Bun.sleep(25);
      most = Math.max(most, residentKb(edge.pid));
    }
    socket.destroy();
    // what a whole runtime allocates beside it is of the same size as what is asked for; buffering the body would be 1,000 times that
    expect(most - before).toBeLessThan(16_000);
  });

  test("a long poll is not cut", async () => {
    const started = performance.now();
    const { out } = await curl(url(HOSTS.hub, "/poll?ms=3000"));
    expect(out).toContain('"path":"/poll"');
    expect(performance.now() - started).toBeGreaterThan(2_900);
  });

  test("wrk sees no error", async () => {
    const { out } = await command([
      "wrk",
      "-t1",
      "-c16",
      "-d2",
      "-H",
      `Host: ${HOSTS.hub}`,
      `http://127.0.0.1:${port}/wrk`,
    ]);
    expect(out).toMatch(/\d+ requests in/);
    expect(out).not.toMatch(/Socket errors|Non-2xx/);
  });

  test.each([
    ["Node's fetch", ["node", `${PROGRAMS}fetch-many.mjs`]],
    ["Bun's fetch", [process.execPath, `${PROGRAMS}fetch-many.mjs`]],
    ["Python's http.client", ["python3", `${PROGRAMS}client.py`]],
  ])("%s gets its answers from the right clusters", async (_, program) => {
    const { out, err } = await command([...program, String(port), HOSTS.hub, HOSTS.two]);
    expect({ out: out.trim(), err }).toEqual({ out: `${HOSTS.hub}=hub ${HOSTS.two}=two`, err: "" });
  });
});

describe.each(engines)("engine %s", (engine) => {
  test("the ws package echoes 10,000 messages", async () => {
    const [port = 0, nodePort = 0] = await freePorts(2);
    const ip = "127.25.0.3";
    const server = Bun.spawn(["node", `${PROGRAMS}ws-echo.mjs`, "serve", ip, String(nodePort)], { stdout: "pipe" });
    const cluster = `ws=${ip},domain=ws.lab,http-port=${nodePort},check=off`;
    const listen = [`http=127.0.0.1:${port}`, "api=off", "https=off"].flatMap((spec) => ["--listen", spec]);
    const edge = await startEdgeLb(["--engine", engine, "--workers", "1", ...listen, "--cluster", cluster]);
    try {
      await server.stdout.getReader().read();
      const { out } = await command(["node", `${PROGRAMS}ws-echo.mjs`, "send", "a.apps.ws.lab", String(port), "10000"]);
      expect(out.trim()).toBe("10000 messages, closed with 1005");
      const [line] = await edge.logged(/a\.apps\.ws\.lab .*GET \/echo.*101.*/);
      expect(line).toContain("> ws ");
    } finally {
      server.kill();
      await edge.stop();
    }
  }, 60_000);
});

function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}
