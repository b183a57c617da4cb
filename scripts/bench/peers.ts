/** The balancers that are compared: whether they are here, how they are configured, how they start. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, familyOf, startChild } from "./child.ts";
import { render } from "./template.ts";
import { freePorts, type Listening, valuesOf, type World } from "./world.ts";

export type PeerId =
  | "linux"
  | "linux-calls"
  | "bun"
  | "node"
  | "haproxy"
  | "haproxy-splice"
  | "nginx"
  | "nginx-half"
  | "sniproxy";

export interface Peer {
  readonly id: PeerId;
  readonly title: string;
  /** Of edge-lb; null: another balancer. */
  readonly engine: string | null;
  /** Proxies HTTP request by request. */
  readonly http: boolean;
  /** Compiles while it runs, and gets the time to. */
  readonly jit: boolean;
  /** Differs from another one in what a connection's end costs, and in nothing else: only short connections are worth a look. */
  readonly shortOnly: boolean;
  /** Names of what must be installed. */
  readonly needs: readonly string[];
  readonly config: string;
  /** Prints its version. */
  readonly asks: readonly string[];
  command(config: string): readonly string[];
}

export interface Running {
  readonly peer: Peer;
  readonly listening: Listening;
  readonly child: Child;
  /** When its process was asked for, in ms since 1970. */
  readonly startedMs: number;
  pids(): readonly number[];
}

const ROOT = new URL("../..", import.meta.url).pathname;
const TEMPLATES = new URL("peers/", import.meta.url).pathname;
const BINARY = join(ROOT, "dist/edge-lb");
/** A copy of its own: pages of a file that another process runs too would count half. */
const COPY = "edge-lb";
const BUNDLE = join(ROOT, "dist/edge-lb.mjs");
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

function edgeLb(id: PeerId, start: readonly string[], engine: string, ...more: readonly string[]): Peer {
  return {
    id,
    title: `edge-lb ${engine}${more.length > 0 ? ` ${more.join(" ")}` : ""}`,
    engine,
    http: true,
    jit: true,
    shortOnly: false,
    needs: start,
    config: "edge-lb.yaml",
    asks: [...start, "version"],
    command: (config) => [...start, "run", "-c", config, "--engine", engine, ...more, ...QUIET],
  };
}

const QUIET = ["--admin", "off", "--control", "off"];

function haproxy(id: PeerId, title: string): Peer {
  return {
    id,
    title,
    engine: null,
    http: true,
    jit: false,
    shortOnly: false,
    needs: ["haproxy"],
    config: "haproxy.cfg",
    asks: ["haproxy", "-v"],
    command: (config) => ["haproxy", "-db", "-f", config],
  };
}

function nginx(id: PeerId, title: string, shortOnly: boolean): Peer {
  return {
    id,
    title,
    engine: null,
    http: true,
    jit: false,
    shortOnly,
    needs: ["nginx", STREAM_MODULE],
    config: "nginx.conf",
    asks: ["nginx", "-v"],
    command: (config) => ["nginx", "-e", "stderr", "-c", config],
  };
}

/** Copies the binary into `folder` when there is one. */
export function peersIn(folder: string): readonly Peer[] {
  const binary = join(folder, COPY);
  if (existsSync(BINARY)) copyFileSync(BINARY, binary);
  const linux = [edgeLb("linux", [binary], "linux"), edgeLb("linux-calls", [binary], "linux", "--ring", "off")];
  return [...linux, edgeLb("bun", [binary], "bun"), ...OTHERS];
}

const OTHERS: readonly Peer[] = [
  edgeLb("node", ["node", BUNDLE], "node"),
  haproxy("haproxy", "HAProxy"),
  haproxy("haproxy-splice", "HAProxy splice"),
  nginx("nginx", "nginx", false),
  nginx("nginx-half", "nginx half-close", true),
  {
    id: "sniproxy",
    title: "sniproxy",
    engine: null,
    http: false,
    jit: false,
    shortOnly: false,
    needs: ["sniproxy"],
    config: "sniproxy.conf",
    asks: ["sniproxy", "-V"],
    command: (config) => ["sniproxy", "-f", "-c", config],
  },
];

/** What of a peer's needs this machine has not; null when it has all. */
export function missingOf(peer: Peer): string | null {
  const here = (need: string): boolean => (need.startsWith("/") ? existsSync(need) : Bun.which(need) !== null);
  return peer.needs.find((need) => !here(need)) ?? null;
}

/** "HAProxy version 2.6.12-1+deb12u4" to "2.6.12". */
export function versionOf(peer: Peer): string {
  const { stdout, stderr } = Bun.spawnSync([...peer.asks]);
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout.toString()}${stderr.toString()}`)?.[0] ?? "?";
}

let instances = 0;

export interface Place {
  readonly folder: string;
  readonly cpu: number | null;
}

/** Write the peer's configuration and start it; it may take a while until it answers. */
export function startPeer(peer: Peer, world: World, { folder, cpu }: Place, workers = 1): Running {
  instances++;
  const own = join(folder, `${peer.id}-${instances}`);
  mkdirSync(own, { recursive: true });
  const ip = `127.2.${Math.floor(instances / 250)}.${(instances % 250) + 1}`;
  const [api = 0, https = 0, http = 0, ...others] = freePorts(ip, 3 + world.services);
  const further = others.map((port) => ({ ip, port }));
  const listening: Listening = {
    api: { ip, port: api },
    https: { ip, port: https },
    http: { ip, port: http },
    further,
  };
  const config = join(own, peer.config);
  const values = valuesOf(world, listening, { folder: own, variant: peer.id, workers });
  writeFileSync(config, render(readFileSync(join(TEMPLATES, `${peer.config}.in`), "utf8"), values));
  const startedMs = performance.timeOrigin + performance.now();
  const child = startChild(peer.command(config), { cpu });
  return { peer, listening, child, startedMs, pids: () => familyOf(child.pid) };
}
