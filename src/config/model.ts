/** The configuration, resolved: no optional fields, no text left to parse, units in the names. */
import type { CheckMode } from "../core/health/ladder.ts";
import type { LogTarget } from "./log-target.ts";
import type { Cidr } from "../seam/snapshot.ts";
import type { ServiceName, Policy } from "../seam/services.ts";

export type Layer = "file" | "flags" | "runtime";
export type EngineChoice = "auto" | "linux" | "bun" | "node";
export type LogFormat = "text" | "json" | "haproxy";

/** Where a listener binds; `ip` "" means every address of both families. */
export interface ListenAddress {
  readonly ip: string;
  readonly port: number;
}

/** One node as written: an address in canonical text, or a host name that control resolves. */
export interface NodeSpec {
  readonly host: string;
  readonly isName: boolean;
}

export interface ClusterConfig {
  readonly name: string;
  /** D of `api.D` and `*.apps.D`; null: not known (yet), the label rule serves it. */
  readonly domain: string | null;
  readonly layer: Layer;
  /** `file:line:column` or the flag, for messages. */
  readonly where: string;
  /** Nodes of any role. */
  readonly nodes: readonly NodeSpec[];
  /** Null: taken from `nodes`. */
  readonly api: readonly NodeSpec[] | null;
  readonly ingress: readonly NodeSpec[] | null;
  /** Further ingress names, `shop.lab` or `*.shop.lab`, lower case. */
  readonly names: readonly string[];
  readonly apiNames: readonly string[];
  readonly ports: Readonly<Record<ServiceName | "ready", number>>;
  readonly balance: Readonly<Record<ServiceName, Policy>>;
  readonly check: CheckMode;
  readonly rise: number;
  readonly fall: number;
  readonly intervalMs: number;
  readonly allow: readonly Cidr[];
  /** 0: no limit. */
  readonly maxConnections: number;
  readonly sendProxy: 0 | 1 | 2;
  readonly allDown: "try" | "refuse";
  readonly redirectHttps: boolean;
}

/** Milliseconds. */
export interface Timeouts {
  readonly hello: number;
  readonly connect: number;
  readonly dialTotal: number;
  readonly httpHead: number;
  readonly keepAlive: number;
  readonly apiIdle: number;
  readonly ingressIdle: number;
  readonly halfClosed: number;
  readonly drain: number;
  readonly linger: number;
  readonly probe: number;
}

/** What the head of a request or an answer may hold; 414, 431 and 502 beyond. */
export interface HeadLimits {
  /** Bytes. */
  readonly httpLine: number;
  /** Bytes. */
  readonly httpHead: number;
  readonly httpFields: number;
}

export interface Config {
  /** The file read, or null. */
  readonly file: string | null;
  readonly clusters: readonly ClusterConfig[];
  /** Name of the cluster that takes connections without a name, or null. */
  readonly defaultCluster: string | null;
  /** An empty list: this kind is off. */
  readonly listen: Readonly<Record<ServiceName, readonly ListenAddress[]>>;
  readonly timeouts: Timeouts;
  readonly limits: HeadLimits;
  /** 0: derived from the descriptor limit at start. */
  readonly maxConnections: number;
  /** 0: no limit. */
  readonly maxConnectionsPerClient: number;
  readonly trustedProxies: readonly Cidr[];
  readonly allow: readonly Cidr[];
  /** Null: off. */
  readonly admin: ListenAddress | null;
  /** The address was asked for; else it is the usual one, and edge-lb runs without where somebody else has it. */
  readonly adminGiven: boolean;
  readonly adminAuth: { readonly user: string; readonly password: string } | null;
  /** Path of the control socket; null: off. */
  readonly control: string | null;
  /** The path was asked for; else it is the usual one, and edge-lb runs without where that cannot be had. */
  readonly controlGiven: boolean;
  readonly engine: EngineChoice;
  readonly workers: number;
  readonly log: LogFormat;
  readonly logTo: LogTarget;
  readonly accessLog: boolean;
}
