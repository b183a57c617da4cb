/**
 * What the data plane knows of the configuration: plain, immutable, structured-cloneable data.
 * Control builds a whole new one for every change; workers swap it in one assignment.
 */
import type { Policy, Service } from "./services.ts";

/** One TCP address. `ip` is canonical: `::ffff:a.b.c.d` is written `a.b.c.d`, other IPv6 as RFC 5952. */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

/** A range of addresses; `bytes` has 4 or 16 bytes, the host bits are zero. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly bytes: Uint8Array;
  readonly bits: number;
}

export interface Snapshot {
  /** Grows by 1; a worker answers "applied" with the oldest version still in use. */
  readonly version: number;
  /** Each stands at its own index; the same ones as long as the process runs. */
  readonly services: readonly Service[];
  readonly clusters: readonly ClusterPlan[];
  /** api.D, api-int.D and names without a star: looked up first. */
  readonly exact: readonly NameClaim[];
  /** apps.D and `*.` names (stored without the star): the longest suffix wins, at least one label more is needed. */
  readonly below: readonly NameClaim[];
  /** Clusters without a known domain: "api.hub" at the start of the name, "apps.hub" leftmost inside it; asked last. */
  readonly labels: readonly NameClaim[];
  /** For every name that nobody else claims: the last to be asked, once for each service at most. */
  readonly rest: readonly NameClaim[];
  /** By service: where a connection without a name goes: index into `clusters`, or -1. */
  readonly fallback: readonly number[];
  /** Listeners of such services whose network holds one cluster: what comes there without a known name is that cluster's. */
  readonly bridges: readonly Bridge[];
  /** Where `redirect-https` sends clients. */
  readonly httpsPort: number;
  readonly timeouts: DataTimeouts;
  readonly limits: Limits;
  /** Client connections in all workers together. */
  readonly maxConnections: number;
  /** Client connections of one address; 0: no limit. */
  readonly maxConnectionsPerClient: number;
  /** Peers whose connections begin with a PROXY header. */
  readonly acceptProxy: readonly Cidr[];
  readonly trustedProxies: readonly Cidr[];
  /** Nodes get RFC 7239's Forwarded, too. */
  readonly forwarded: boolean;
  /** Empty: everyone; a cluster's own list is asked after this one. */
  readonly allow: readonly Cidr[];
}

/** What grows with the number of clusters. */
export type SnapshotPart = Pick<Snapshot, "clusters" | "exact" | "below" | "labels">;

/** Clusters of one part: some 0.5 ms of a worker's time. */
const PART_CLUSTERS = 64;

/** A snapshot as pieces that a worker takes one by one; a small one is one piece. `joinParts` of all but the last and the last is the whole. */
export function* splitSnapshot(snapshot: Snapshot): Generator<SnapshotPart, Snapshot> {
  const { clusters } = snapshot;
  if (clusters.length <= PART_CLUSTERS) return snapshot;
  const pieces = Math.ceil(clusters.length / PART_CLUSTERS);
  for (let at = 0; at < pieces; at++) {
    const slice = <T>(all: readonly T[]): readonly T[] =>
      all.slice(Math.floor((all.length * at) / pieces), Math.floor((all.length * (at + 1)) / pieces));
    const { exact, below, labels } = snapshot;
    yield { clusters: slice(clusters), exact: slice(exact), below: slice(below), labels: slice(labels) };
  }
  return { ...snapshot, clusters: [], exact: [], below: [], labels: [] };
}

export function joinParts(parts: readonly SnapshotPart[], last: Snapshot): Snapshot {
  if (parts.length === 0) return last;
  const all = [...parts, last];
  return {
    ...last,
    clusters: all.flatMap(({ clusters }) => clusters),
    exact: all.flatMap(({ exact }) => exact),
    below: all.flatMap(({ below }) => below),
    labels: all.flatMap(({ labels }) => labels),
  };
}

/** Milliseconds. */
export interface DataTimeouts {
  readonly hello: number;
  readonly connect: number;
  readonly dialTotal: number;
  readonly httpHead: number;
  readonly httpBody: number;
  readonly keepAlive: number;
  readonly halfClosed: number;
  readonly wake: number;
  readonly linger: number;
}

export interface Limits {
  /** Most bytes of a ClientHello, records included. */
  readonly helloBytes: number;
  /** Most bytes of a request line or status line, without its end. */
  readonly httpLine: number;
  /** Most bytes of a request's or an answer's head. */
  readonly httpHead: number;
  /** Most fields of a request's or an answer's head. */
  readonly httpFields: number;
}

export interface Bridge {
  /** The listener's address. */
  readonly ip: string;
  /** Index into `clusters`. */
  readonly cluster: number;
}

export interface NameClaim {
  /** Lower case, no trailing dot, no star. */
  readonly name: string;
  /** Index into `clusters`. */
  readonly cluster: number;
  /** Indexes of the services it counts for. */
  readonly services: readonly number[];
  /** Indexes of services on which the cluster has no nodes: there it counts only where nobody takes the name, so that the answer can say why. */
  readonly vacant: readonly number[];
}

export interface ClusterPlan {
  readonly name: string;
  /** This cluster's cell on the board. */
  readonly cell: number;
  readonly allow: readonly Cidr[];
  /** Addresses of its nodes, each once: what comes from there without a name is for this cluster. */
  readonly addresses: readonly string[];
  /** So is what comes from these networks; the longest prefix of all clusters counts. */
  readonly clients: readonly Cidr[];
  /** 0: no limit. */
  readonly maxConnections: number;
  /** Nodes are dialled from edge-lb's address or from the client's. */
  readonly source: "edge" | "client";
  readonly allDown: "try" | "refuse";
  /** Answer plain HTTP with a redirect to https. */
  readonly redirectHttps: boolean;
  /** A client that asks for one of its names wakes it: control runs a program then. */
  readonly wakes: boolean;
  /** By service; null: it has none there. */
  readonly pools: readonly (Pool | null)[];
}

/** A cluster's endpoints for one service. */
export interface Pool {
  readonly cell: number;
  readonly policy: Policy;
  /** A tunnel or request without traffic for this long ends. */
  readonly idleMs: number;
  /** PROXY protocol version sent to the node first; 0: none. */
  readonly sendProxy: 0 | 1 | 2;
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly cell: number;
  readonly at: Address;
  /** FNV-1a 32 of "ip:port" (IPv6 as "[ip]:port") in canonical text. */
  readonly hash: number;
  /** Networks of this machine that it is in: clients there would be answered past edge-lb. Only where the client is the source. */
  readonly near?: readonly Cidr[];
  /** The node as the operator named it. */
  readonly node: string;
}
