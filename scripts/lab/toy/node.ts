/** One machine of a toy cluster: API server, ingress router and the router's health port on one address. */
import type { Server as HttpServer } from "node:http";
import { apiServer, type HealthAnswer, type Identity, ingressServer, readyServer } from "./answers.ts";
import type { Certificate } from "./certificate.ts";
import { openToyPort, type PortCounters, type PortMode, type ToyPort } from "./port.ts";

export const TOY_PORTS = ["api", "https", "http", "ready"] as const;
export type ToyPortName = (typeof TOY_PORTS)[number];

/** Certificates of the two TLS ports. */
export interface NodeCertificates {
  readonly api: Certificate;
  readonly https: Certificate;
}

export interface ToyNodeSpec extends Identity {
  /** The address it listens on. */
  readonly ip: string;
  /** A port left out is not served: the node has not that role. */
  readonly ports: Readonly<Partial<Record<ToyPortName, number>>>;
  readonly certificates: NodeCertificates;
}

/** How a node behaves; a part left out of a change stays as it was. */
export interface NodeBehaviour extends Record<ToyPortName, PortMode> {
  /** The API server's `/readyz`. */
  readonly readyz: HealthAnswer;
  /** The router's `:1936/healthz/ready`. */
  readonly routerReady: HealthAnswer;
  /** Every HTTP answer comes this much later. */
  readonly delayMs: number;
}

const HEALTHY: NodeBehaviour = {
  api: "serve",
  https: "serve",
  http: "serve",
  ready: "serve",
  readyz: 200,
  routerReady: 200,
  delayMs: 0,
};

/** Every port of a node in one mode. */
const every = (mode: PortMode): Partial<NodeBehaviour> => ({ api: mode, https: mode, http: mode, ready: mode });

/** Behaviours by name, complete: what they do not mention is healthy. */
export const BEHAVIOURS = {
  healthy: HEALTHY,
  "readyz 500": { ...HEALTHY, readyz: 500 },
  "readyz 401": { ...HEALTHY, readyz: 401 },
  "readyz hang": { ...HEALTHY, readyz: "hang" },
  "router not ready": { ...HEALTHY, routerReady: 503 },
  "alert only": { ...HEALTHY, ...every("alert") },
  hang: { ...HEALTHY, ...every("hang") },
  reset: { ...HEALTHY, ...every("reset") },
  refused: { ...HEALTHY, ...every("closed") },
} as const satisfies Record<string, NodeBehaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;
/** A named behaviour, or single parts to change. */
export type BehaviourChange = BehaviourName | Partial<NodeBehaviour>;
export type NodeCounters = Readonly<Record<ToyPortName, PortCounters & { open: number }>>;

/** A node that runs here or in a process of its own; the methods of a node in another process take a moment. */
export interface ToyNode {
  readonly name: string;
  readonly ip: string;
  behave(change: BehaviourChange): Promise<void>;
  /** Shows other certificates from the next connection on; open connections are reset. */
  present(certificates: Partial<NodeCertificates>): Promise<void>;
  counters(): Promise<NodeCounters>;
  /** Gone at once, as if the machine had lost its power: SIGKILL where it is a process. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a node in this process, healthy. */
export async function startToyNode(spec: ToyNodeSpec): Promise<ToyNode> {
  let behaviour: NodeBehaviour = HEALTHY;
  const servers = serversOf(spec, () => behaviour);
  const ports = new Map<ToyPortName, ToyPort>();
  for (const name of TOY_PORTS) {
    const port = spec.ports[name];
    const certificate = name === "api" || name === "https" ? spec.certificates[name] : null;
    if (port !== undefined) ports.set(name, await openToyPort({ ip: spec.ip, port, certificate, http: servers[name] }));
  }

  async function behave(change: BehaviourChange): Promise<void> {
    const before = behaviour;
    behaviour = typeof change === "string" ? BEHAVIOURS[change] : { ...behaviour, ...change };
    for (const [name, port] of ports) if (behaviour[name] !== before[name]) await port.set(behaviour[name]);
  }

  async function present(certificates: Partial<NodeCertificates>): Promise<void> {
    for (const name of ["api", "https"] as const) {
      const certificate = certificates[name];
      if (certificate !== undefined) ports.get(name)?.present(certificate);
      if (certificate !== undefined) await ports.get(name)?.set(behaviour[name]);
    }
  }

  const stop = (): Promise<void> => behave("refused");
  return { name: spec.node, ip: spec.ip, behave, present, counters: async () => countersOf(ports), kill: stop, stop };
}

function serversOf(who: ToyNodeSpec, now: () => NodeBehaviour): Record<ToyPortName, HttpServer> {
  const identity = { cluster: who.cluster, node: who.node };
  const delayMs = (): number => now().delayMs;
  return {
    api: apiServer(identity, () => now().readyz, delayMs),
    https: ingressServer(identity, "https", delayMs),
    http: ingressServer(identity, "http", delayMs),
    ready: readyServer(() => now().routerReady, delayMs),
  };
}

const NOTHING = { connections: 0, handshakes: 0, handshakeErrors: 0, requests: 0, open: 0 };

function countersOf(ports: ReadonlyMap<ToyPortName, ToyPort>): NodeCounters {
  const of = (name: ToyPortName): PortCounters & { open: number } => {
    const port = ports.get(name);
    return port === undefined ? { ...NOTHING } : { ...port.counters, open: port.open() };
  };
  return { api: of("api"), https: of("https"), http: of("http"), ready: of("ready") };
}
