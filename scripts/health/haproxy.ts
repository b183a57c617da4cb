/** HAProxy with the article's configuration for one cluster, and what it thinks of its servers. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Door } from "../lab/crowd.ts";
import type { Listener } from "../lab/lab.ts";

export interface HaproxyInput {
  /** Put before the command line. */
  readonly prefix: readonly string[];
  /** Where it listens; names are those of `hub.lab`. */
  readonly doors: readonly Door[];
  readonly nodes: readonly string[];
  readonly ports: Readonly<Record<Listener, number>>;
}

export interface Haproxy {
  /** The status column of `show stat`, as "UP", "UP 1/3" or "DOWN"; "" when there is no such server. */
  status(pool: Listener, node: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startHaproxy(input: HaproxyInput): Promise<Haproxy> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-haproxy-"));
  const [file, socket] = [join(folder, "haproxy.cfg"), join(folder, "stats.sock")];
  writeFileSync(file, configuration(input, socket));
  const child = Bun.spawn([...input.prefix, "haproxy", "-db", "-f", file], { stdio: ["ignore", "ignore", "ignore"] });
  const giveUp = performance.now() + 5_000;
  while ((await ask(socket)) === "") {
    if (performance.now() > giveUp || child.exitCode !== null) throw new Error("HAProxy does not start");
    await Bun.sleep(50);
  }
  return {
    async status(pool, node) {
      const rows = (await ask(socket)).split("\n").map((row) => row.split(","));
      return rows.find(([backend, server]) => backend === BACKENDS[pool] && server === `node-${node}`)?.[17] ?? "";
    },
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const BACKENDS = {
  api: "be_api_hub_6443",
  https: "be_ingress_hub_443",
  http: "be_ingress_hub_80",
} as const satisfies Record<Listener, string>;

function ask(path: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = net.connect({ path });
    socket.on("connect", () => socket.write("show stat\n"));
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("error", () => resolve(""));
    socket.on("close", () => resolve(answer));
  });
}

/** As in the article but for addresses, ports and names; its log and its statistics page are left out. */
function configuration({ doors, nodes, ports }: HaproxyInput, socket: string): string {
  const bind = (listener: Listener): string => {
    const door = doors.find((each) => each.listener === listener);
    return `${door?.ip}:${door?.port}`;
  };
  const servers = (port: number): string =>
    nodes.map((node) => `    server node-${node} ${node}:${port} check inter 1s`).join("\n");
  return `
global
    maxconn     4000
    stats socket ${socket}

defaults
    mode                    tcp
    retries                 3
    timeout http-request    10s
    timeout queue           1m
    timeout connect         10s
    timeout client          1m
    timeout server          1m
    timeout http-keep-alive 10s
    timeout check           10s
    maxconn                 3000

frontend apis-6443
    bind ${bind("api")}
    mode tcp
    tcp-request inspect-delay 5s
    tcp-request content accept if { req_ssl_hello_type 1 }
    acl ACL_hub req_ssl_sni -i api.hub.lab
    use_backend ${BACKENDS.api} if ACL_hub

frontend routers-http-80
    bind ${bind("http")}
    mode http
    acl ACL_hub hdr(host) -m reg -i ^[^\\.]+\\.apps\\.hub\\.lab
    use_backend ${BACKENDS.http} if ACL_hub

frontend routers-https-443
    bind ${bind("https")}
    mode tcp
    tcp-request inspect-delay 5s
    tcp-request content accept if { req_ssl_hello_type 1 }
    acl ACL_hub req_ssl_sni -m reg -i ^[^\\.]+\\.apps\\.hub\\.lab
    use_backend ${BACKENDS.https} if ACL_hub

backend ${BACKENDS.api}
    mode tcp
    balance source
    option ssl-hello-chk
${servers(ports.api)}

backend ${BACKENDS.http}
    mode http
    balance hdr(Host)
    hash-type consistent
    option forwardfor
    http-send-name-header Host
${servers(ports.http)}

backend ${BACKENDS.https}
    mode tcp
    balance source
    option ssl-hello-chk
${servers(ports.https)}
`;
}
