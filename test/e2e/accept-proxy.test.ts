/** A load balancer before edge-lb that says by PROXY headers who its clients are: HAProxy, curl and sockets by hand. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program as pathOf } from "../../scripts/lab/programs.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

const program = process.env["EDGE_LB_PROGRAM"] ?? "source";
const engines = program === "source" || program === "binary" ? ["linux", "bun", "node"] : ["node"];
let hub: ToyCluster;
let [nodeApi = 0, nodeHttp = 0] = [0];

beforeAll(async () => {
  [nodeApi = 0, nodeHttp = 0] = await freePorts(2);
  hub = await startToyCluster({
    name: "hub",
    domain: "hub.lab",
    ips: ["127.77.0.20"],
    ports: { api: nodeApi, http: nodeHttp },
  });
});
afterAll(() => hub.stop());

describe.each(engines)("engine %s", (engine) => {
  let edge: EdgeLb;
  let [api = 0, http = 0, haproxyApi = 0, haproxyHttp = 0] = [0];
  let haproxy: Bun.Subprocess;
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-accept-proxy-"));

  beforeAll(async () => {
    [api = 0, http = 0, haproxyApi = 0, haproxyHttp = 0] = await freePorts(4);
    edge = await startEdgeLb(
      [
        `--engine ${engine} --accept-proxy 127.77.1.0/24 --interval 200ms`,
        `--cluster hub=127.77.0.20,domain=hub.lab,api-port=${nodeApi},http-port=${nodeHttp},allow=127.77.5.0/24`,
        `--listen api=127.0.0.1:${api} --listen http=127.0.0.1:${http} --listen https=off`,
      ].flatMap((text) => text.split(" ")),
    );
    const config = join(folder, "haproxy.cfg");
    writeFileSync(config, haproxyConfig([haproxyApi, api, "send-proxy-v2"], [haproxyHttp, http, "send-proxy"]));
    haproxy = Bun.spawn([pathOf("haproxy"), "-db", "-f", config], { stdio: ["ignore", "ignore", "inherit"] });
    for (const port of [haproxyApi, haproxyHttp]) await open(port);
  });
  afterAll(async () => {
    haproxy?.kill("SIGKILL");
    await edge?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a client behind HAProxy is itself: allowed, routed, logged, forwarded", async () => {
    const name = `api.hub.lab:${haproxyApi}`;
    const tls = await command([
      ["curl", "--silent", "--show-error", "--insecure", "--interface", "127.77.5.9"],
      ["--resolve", `${name}:127.0.0.1`, `https://${name}/version`],
    ]);
    expect(JSON.parse(tls.out).cluster).toBe("hub");
    await edge.logged(/api api\.hub\.lab 127\.77\.5\.9:\d+ > hub /);
    const host = ["-H", "Host: a.apps.hub.lab"];
    const plain = await command([
      ["curl", "--silent", "--show-error", "--interface", "127.77.5.9", ...host],
      [`http://127.0.0.1:${haproxyHttp}/headers`],
    ]);
    expect(plain.out).toContain("127.77.5.9");
    await edge.logged(/http a\.apps\.hub\.lab 127\.77\.5\.9:\d+ > hub /);
  });

  test("a client behind HAProxy that is not allowed is turned away by its own address", async () => {
    const plain = await command([
      ["curl", "--silent", "--include", "--interface", "127.77.6.9", "-H", "Host: a.apps.hub.lab"],
      [`http://127.0.0.1:${haproxyHttp}/`],
    ]);
    expect(plain.out).toStartWith("HTTP/1.1 403 ");
    await edge.logged(/127\.77\.6\.9:\d+ .*not allowed/);
  });

  test("the peer without a header is closed and logged; another's header is not read", async () => {
    const before = edge.logs().length;
    expect(await say(http, "127.77.1.9", "GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n")).toBe("");
    await edge.logged(/127\.77\.1\.9:\d+ .*bad PROXY header/, before);
    const forged = "PROXY TCP4 127.77.5.9 127.0.0.1 1 80\r\nGET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n";
    expect(await say(http, "127.77.6.9", forged)).toStartWith("HTTP/1.1 400 ");
  });
});

/** @param ways From a port of HAProxy to a port of edge-lb, and how. */
function haproxyConfig(...ways: readonly (readonly [number, number, string])[]): string {
  const listens = ways.map(
    ([from, to, how]) => `listen p${from}
  bind 127.0.0.1:${from}
  source 127.77.1.1
  server edge 127.0.0.1:${to} ${how}
`,
  );
  return `defaults
  mode tcp
  timeout connect 5s
  timeout client 20s
  timeout server 20s
${listens.join("")}`;
}

/** Until somebody accepts there. */
async function open(port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const socket = net.connect(port, "127.0.0.1");
    const connected = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected === true) return;
    await Bun.sleep(25);
  }
  throw new Error(`Nobody accepts at port ${port}`);
}

/** All that is answered. */
function say(port: number, from: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = net.connect({ port, host: "127.0.0.1", localAddress: from }, () => socket.write(text));
    socket.on("data", (chunk) => (heard += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}
