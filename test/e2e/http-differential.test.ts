/**
 * The corpus' requests to HAProxy and nginx: what one of them refuses edge-lb may forward only for a reason given here.
 * A peer that is not installed is left out.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OK, type HttpCase } from "../../scripts/fuzz/corpus/case.ts";
import { REQUESTS } from "../../scripts/fuzz/corpus/requests.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program } from "../../scripts/lab/programs.ts";

const NODE_IP = "127.26.0.1";

/** By case: why edge-lb forwards what the peer refuses. */
const FORWARDED: Readonly<Record<Peer, Readonly<Record<string, string>>>> = {
  haproxy: {
    "a value of 30,000 bytes": "its buffer holds 16 KB; edge-lb takes heads of 64 KB",
    "128 fields": "it takes 101",
    "an absolute target with a query alone": "a path may be empty, RFC 3986 §3.3; the node gets `/?a=b`",
    "Upgrade: H2C in a list":
      "it misses Sec-WebSocket-Key; edge-lb drops the whole Upgrade and forwards a plain request",
    "HTTP/1.0 with Upgrade": "the same",
  },
  nginx: {
    "a value of 30,000 bytes": "its buffer holds 8 KB; edge-lb takes heads of 64 KB",
    "method TRACE": "its policy; what a node does with TRACE is the node's",
    "Max-Forwards counts for TRACE": "the same",
    "method get": "it knows methods in capitals only; a method is any token, RFC 9110 §9.1",
    "a method of every token byte": "the same",
    "target /%00": "it decodes the path; edge-lb passes it as it is",
    "target /%2e%2e/%2f": "the same",
    "target /%zz": "the same",
    "target /%": "the same",
    "OPTIONS *": "it has no answer to it; RFC 9112 §3.2.4",
    "white space around the length": "it takes no tab for white space; RFC 9110 §5.6.3",
    "white space around chunked": "the same",
    "Expect passes": "it answers 100 by itself, before the node is asked",
  },
};

const PEERS = ["haproxy", "nginx"] as const;
type Peer = (typeof PEERS)[number];

function haproxyConfig(port: number, nodePort: number): string {
  return `global
  maxconn 100
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
  timeout http-request 150ms
frontend in
  bind 127.0.0.1:${port}
  default_backend node
backend node
  http-reuse never
  server node ${NODE_IP}:${nodePort}
`;
}

function nginxConfig(port: number, nodePort: number, folder: string): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log /dev/null;
events { worker_connections 100; }
http {
  access_log off;
  client_header_timeout 1s;
  client_body_timeout 1s;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://${NODE_IP}:${nodePort};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }
  }
}
`;
}

describe.each(PEERS)("%s", (peer) => {
  const folder = mkdtempSync(join(tmpdir(), `edge-lb-${peer}-`));
  let port = 0;
  let child: Bun.Subprocess | null = null;
  let reached = 0;
  const node = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      reached += 1;
      socket.write(OK);
    });
  });

  beforeAll(async () => {
    const [own = 0, nodePort = 0] = await freePorts(2);
    port = own;
    await new Promise<void>((resolve) => node.listen(nodePort, NODE_IP, resolve));
    const file = join(folder, "peer.conf");
    writeFileSync(file, peer === "haproxy" ? haproxyConfig(port, nodePort) : nginxConfig(port, nodePort, folder));
    const args = peer === "haproxy" ? ["-db", "-f", file] : ["-p", folder, "-c", file];
    child = Bun.spawn([program(peer), ...args], { stdio: ["ignore", "ignore", "ignore"] });
    for (let tries = 0; !(await accepts(port)) && tries < 200; tries++) await Bun.sleep(25);
  });
  afterAll(async () => {
    child?.kill("SIGTERM");
    await child?.exited;
    node.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("refuses nothing that edge-lb forwards without a reason", async () => {
    const surprising: string[] = [];
    let stricter = 0;
    for (const one of REQUESTS) {
      reached = 0;
      const answer = await ask(port, one);
      const theirs = reached > 0;
      const ours = one.node.length > 0;
      if (ours && !theirs && !(one.name in FORWARDED[peer])) surprising.push(`${one.name}: ${answer.slice(0, 60)}`);
      if (theirs && !ours) stricter += 1;
    }
    console.log(`${peer}: forwards ${stricter} of ${REQUESTS.length} requests that edge-lb refuses`);
    expect(surprising).toEqual([]);
  }, 240_000);
});

/** What came back until the connection ended, or an answer was there. */
async function ask(port: number, { send }: HttpCase): Promise<string> {
  const socket = net.connect({ host: "127.0.0.1", port });
  let answer = "";
  await new Promise<void>((resolve) => {
    const late = setTimeout(resolve, 1_500);
    const done = (): void => {
      clearTimeout(late);
      resolve();
    };
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (answer.includes("\r\n\r\n")) done();
    });
    socket.on("close", done);
    socket.on("error", done);
    socket.write(typeof send === "string" ? send : send.join(""), "latin1");
    if (send.length === 0) socket.end();
  });
  socket.destroy();
  return answer;
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect({ host: "127.0.0.1", port });
  const open = await new Promise<boolean>((resolve) => {
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
  });
  socket.destroy();
  return open;
}
