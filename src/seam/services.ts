/** The services edge-lb offers: one row each. Whatever depends on a service is a column of its row. */

/** What a service is called in flags, files, logs, metrics and status. */
export type ServiceName = string;

/** How a node is picked. */
export type Policy = "leastconn" | "source" | "host" | "roundrobin";

/** A service: plain data, the same in both planes. */
export interface Service {
  readonly name: ServiceName;
  /** Its place in every list that has one entry per service: pools, routes, fallbacks, tallies. Fixed while the process runs. */
  readonly index: number;
  /** For `--help`. */
  readonly help: string;
  /** Where it listens unless told otherwise. One that is `off` until asked for has no pools either until it listens. */
  readonly address: string;
  /** Only private, link-local and loopback addresses may be listened on. */
  readonly privateOnly: boolean;
  /** `sni`: TLS, by the name in the ClientHello; `host`: HTTP, by the Host of each request. */
  readonly routedBy: "sni" | "host";
  /** Which names of a cluster lead here. */
  readonly names: readonly NameSet[];
  /** The key whose `*` takes the names that nobody claims here; null: none does. `own`: the key of this service alone. */
  readonly rest: "names" | "api-names" | "own" | null;
  /** Who takes a connection that names no cluster: `--default`, or the one cluster in the network it came from. */
  readonly nameless: "default" | "bridge";
  /** The role of nodes that serve it, where the cluster gives it no list of its own. */
  readonly role: NodeRole;
  /** On the nodes. */
  readonly port: number;
  readonly policy: Policy;
  /** Which timeout ends a connection without traffic. */
  readonly idle: "apiIdle" | "ingressIdle";
  /** Nodes can read a PROXY header; kube-apiserver answers one with "record overflow". */
  readonly takesProxy: boolean;
  readonly group: ProbeGroup;
}

/** `api`: `api.D`; `api-int`: `api-int.D`; `apps`: everything below `apps.D`; the others: the lists of that key. */
export type NameSet = "api" | "api-int" | "apps" | "names" | "api-names";
export type NodeRole = "api" | "ingress";

/** Services that one probe of a node speaks for, and what it asks. */
export interface ProbeGroup {
  readonly name: string;
  /** As a heading, and within a sentence. */
  readonly title: string;
  readonly words: string;
  /** `check --live` probes it too. */
  readonly checkedLive: boolean;
  /** Which name of the cluster is asked for in TLS, and whose certificate is shown: the ingress has one of its own. */
  readonly servername: "api" | "api-int" | "apps";
  /** The top of the ladder; null: a TLS handshake is. */
  readonly readiness: Readiness | null;
}

/** The readiness question. */
export interface Readiness {
  readonly rung: "readyz" | "ready1936" | "healthz";
  readonly path: "/readyz" | "/healthz" | "/healthz/ready";
  /** `own`: HTTPS on the service's own port; `ready`: plain HTTP on the node's `ready-port`. */
  readonly port: "own" | "ready";
  /** 401 and 403 are a pass: a server that lets nobody ask anonymously is alive all the same. */
  readonly anonymousRefused: "ready" | "not ready";
}

const API: ProbeGroup = {
  name: "api",
  title: "API",
  words: "API",
  checkedLive: true,
  servername: "api",
  readiness: { rung: "readyz", path: "/readyz", port: "own", anonymousRefused: "ready" },
};

/** https and http are served by the same router. */
const INGRESS: ProbeGroup = {
  name: "ingress",
  title: "Ingress",
  words: "ingress",
  checkedLive: true,
  servername: "apps",
  readiness: { rung: "ready1936", path: "/healthz/ready", port: "ready", anonymousRefused: "not ready" },
};

/** It says nothing that the API of its cluster does not. */
const MCS: ProbeGroup = {
  name: "mcs",
  title: "Machine config",
  words: "machine-config",
  checkedLive: false,
  servername: "api-int",
  readiness: { rung: "healthz", path: "/healthz", port: "own", anonymousRefused: "not ready" },
};

/** The built-in services. */
export const SERVICES = [
  {
    name: "api",
    index: 0,
    help: "Kubernetes API, routed by SNI",
    address: ":6443",
    privateOnly: false,
    routedBy: "sni",
    names: ["api", "api-int", "api-names"],
    rest: "api-names",
    nameless: "default",
    role: "api",
    port: 6_443,
    policy: "leastconn",
    idle: "apiIdle",
    takesProxy: false,
    group: API,
  },
  {
    name: "https",
    index: 1,
    help: "Ingress over TLS, routed by SNI",
    address: ":443",
    privateOnly: false,
    routedBy: "sni",
    names: ["apps", "names"],
    rest: "names",
    nameless: "default",
    role: "ingress",
    port: 443,
    policy: "source",
    idle: "ingressIdle",
    takesProxy: true,
    group: INGRESS,
  },
  {
    name: "http",
    index: 2,
    help: "Ingress over HTTP, routed by the Host of each request",
    address: ":80",
    privateOnly: false,
    routedBy: "host",
    names: ["apps", "names"],
    rest: "names",
    nameless: "default",
    role: "ingress",
    port: 80,
    policy: "host",
    idle: "ingressIdle",
    takesProxy: true,
    group: INGRESS,
  },
  {
    // it hands out secrets: nobody gets there without a name, but for nodes in the network of one cluster
    name: "mcs",
    index: 3,
    help: "Machine-config server, on private addresses only",
    address: "off",
    privateOnly: true,
    routedBy: "sni",
    names: ["api-int"],
    rest: null,
    nameless: "bridge",
    role: "api",
    port: 22_623,
    policy: "leastconn",
    idle: "apiIdle",
    takesProxy: false,
    group: MCS,
  },
] as const satisfies readonly Service[];

/** Those whose settings have keys of their own in the option table. */
export type BuiltInName = (typeof SERVICES)[number]["name"];

/** Services at most, built-in ones included: tallies on the board are laid out for so many before the configuration is known. */
export const SERVICES_MOST = 32;

export function isBuiltIn(name: ServiceName): boolean {
  return SERVICES.some((service) => service.name === name);
}

/** A service that `listen` adds: TLS by SNI, with the names and nodes of the API. Made once: who compares services and groups does so by identity. */
export function furtherService(name: ServiceName, index: number, port: number): Service {
  const group: ProbeGroup = { name, title: name, words: name, checkedLive: true, servername: "api", readiness: null };
  return {
    name,
    index,
    help: "",
    address: "off",
    privateOnly: false,
    routedBy: "sni",
    names: ["api", "api-int", "api-names"],
    rest: "own",
    nameless: "default",
    role: "api",
    port,
    policy: "leastconn",
    idle: "apiIdle",
    takesProxy: false,
    group,
  };
}

export function serviceNamed(services: readonly Service[], name: ServiceName): Service | undefined {
  return services.find((service) => service.name === name);
}
