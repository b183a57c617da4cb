/** One node of a cluster: whether it answers, what it serves, what its certificate says, and what time it has. */
import { isMachineAddress, type NodeSpec } from "../config/values/addresses.ts";
import { listenOf, nodesFor, portOf } from "../config/clusters/service-settings.ts";
import type { ClusterConfig, Config } from "../config/model.ts";
import { listenersOf, OwnListeners } from "../config/clusters/own-listeners.ts";
import type { NodeIdentities } from "../control/health/node-identities.ts";
import type { NodeProbe, NodeProbeResult } from "../control/probe/node-probe.ts";
import { judge, type Evidence } from "../core/health/ladder.ts";
import { reasonText } from "../core/health/reasons.ts";
import type { Identity, ShownCertificate } from "../core/health/identity.ts";
import type { ProbeGroup, Service } from "../seam/services.ts";
import type { ClockAnswer } from "./clock.ts";
import type { LiveEnvironment } from "./environment.ts";

/** What one port of one node had to say. */
export interface SeenPort {
  readonly service: Service;
  readonly port: number;
  readonly up: boolean;
  /** Nothing answered at all. */
  readonly silent: boolean;
  readonly words: string;
}

/** One node, checked for one group of services. */
export interface Seen {
  readonly cluster: string;
  readonly group: ProbeGroup;
  readonly node: string;
  readonly ip: string;
  readonly ports: readonly SeenPort[];
  readonly certificate: ShownCertificate | null;
  readonly identity: Identity | null;
  readonly clock: ClockAnswer;
  readonly askedMs: number;
}

/** One node to check for one group of services. */
export interface Task {
  readonly cluster: ClusterConfig;
  readonly group: ProbeGroup;
  readonly node: NodeSpec;
}

/** Families whose listener is on. */
export function tasksOf(cluster: ClusterConfig, config: Config): readonly Task[] {
  const checked = config.services.map(({ group }) => group).filter(({ checkedLive }) => checkedLive);
  return [...new Set(checked)].flatMap((group) => {
    const [service] = servicesOf(group, config);
    return service === undefined ? [] : nodesFor(cluster, service).map((node) => ({ cluster, group, node }));
  });
}

const NO_CLOCK: ClockAnswer = { dateMs: null, notBeforeMs: null };

/** Checks nodes of one configuration; what their certificates say is remembered in `identities`. */
export class NodeCheck {
  private readonly config: Config;
  private readonly identities: NodeIdentities;
  private readonly environment: LiveEnvironment;
  private readonly own: OwnListeners;

  constructor(config: Config, identities: NodeIdentities, environment: LiveEnvironment) {
    this.config = config;
    this.identities = identities;
    this.environment = environment;
    const local = environment.addresses.map(({ ip }) => ip);
    this.own = new OwnListeners(listenersOf(config), local);
  }

  /** One result for each address of the node. */
  async run(task: Task): Promise<readonly Seen[]> {
    const { host, isName } = task.node;
    const found = isName ? await this.environment.lookup(host).catch(() => []) : [host];
    const ips = found.filter(isMachineAddress);
    if (ips.length > 0) return Promise.all(ips.map((ip) => this.runAt(ip, task)));
    const refused = `its name leads to ${found.join(", ")}, no address of a machine`;
    const words = found.length === 0 ? "its name does not resolve" : refused;
    return [this.unasked(task, "", words)];
  }

  private async runAt(ip: string, task: Task): Promise<Seen> {
    const { cluster, group, node } = task;
    const services = servicesOf(group, this.config);
    const ports = services.map((service) => ({ service, port: portOf(cluster, service) }));
    if (ports.some(({ port }) => this.own.reachedAt({ ip, port }) !== null)) {
      return this.unasked(task, ip, "edge-lb itself listens there");
    }
    const servername = this.identities.servername(cluster.name, group);
    const nodeProbe = this.environment.nodeProbe({ group, ip, ports, readyPort: cluster.ports.ready, servername });
    try {
      const result = await this.probe(nodeProbe);
      const identity = await this.identify(ip, task, nodeProbe, result.certificate);
      const seen = services.map((service) => seenPort(service, cluster, result));
      const askedMs = this.environment.wallMs();
      const clock = seen.some(({ up }) => up) ? await this.clock(ip, task, servername ?? "") : NO_CLOCK;
      const what = { ports: seen, certificate: result.certificate, identity, clock, askedMs };
      return { cluster: cluster.name, group, node: node.host, ip, ...what };
    } finally {
      nodeProbe.close();
    }
  }

  /** @param ip Empty: there is none to ask. */
  private unasked({ cluster, group, node }: Task, ip: string, words: string): Seen {
    const ports = servicesOf(group, this.config).map((service) => {
      return { service, port: portOf(cluster, service), up: false, silent: ip === "", words };
    });
    const base = { cluster: cluster.name, group, node: node.host, ip, ports };
    return { ...base, certificate: null, identity: null, clock: NO_CLOCK, askedMs: this.environment.wallMs() };
  }

  /** One late answer is no verdict: `edge-lb run` asks often, this asks once more. */
  private async probe(nodeProbe: NodeProbe): Promise<NodeProbeResult> {
    const timeoutMs = this.config.timeouts.probe;
    const request = { readiness: true, handshake: true, thorough: true, reconnect: false, timeoutMs };
    const first = await nodeProbe.probe(request);
    return [first.ready, ...Object.values(first.own)].some((evidence) => isLate(evidence ?? null))
      ? nodeProbe.probe(request)
      : first;
  }

  private async identify(
    ip: string,
    { cluster, group }: Task,
    nodeProbe: NodeProbe,
    certificate: ShownCertificate | null,
  ): Promise<Identity | null> {
    if (certificate === null) return null;
    const showing = { key: `${cluster.name} ${group.name} ${ip}`, cluster: cluster.name, group, certificate };
    return this.identities.judge(showing, (name) => nodeProbe.certificateShownTo(name, this.config.timeouts.probe));
  }

  private clock(ip: string, { cluster, group }: Task, servername: string): Promise<ClockAnswer> {
    const tls = this.config.services.find((each) => each.group === group && each.routedBy === "sni");
    const port = tls === undefined ? 0 : portOf(cluster, tls);
    const path = group.readiness?.port === "own" ? group.readiness.path : "/";
    return this.environment.clock({ at: { ip, port }, servername, path, timeoutMs: this.config.timeouts.probe });
  }
}

/** The group's services that are listened to. */
function servicesOf(group: ProbeGroup, config: Config): readonly Service[] {
  return config.services.filter((each) => each.group === group && listenOf(config, each).length > 0);
}

function seenPort(service: Service, cluster: ClusterConfig, { ready, own, inconclusive }: NodeProbeResult): SeenPort {
  const evidence = own[service.name] ?? null;
  const { outcome } = judge(service, cluster.check === "off" ? "tcp" : cluster.check, null, ready, evidence);
  const words = inconclusive ? "this machine could not ask: out of descriptors" : reasonText(outcome.reason);
  const silent = isNothing(evidence) && isNothing(ready);
  return { service, port: portOf(cluster, service), up: outcome.verdict === "up", silent, words };
}

function isNothing(evidence: Evidence | null): boolean {
  return evidence === null || evidence.got === "nothing";
}

/** Something answered, but not in time. */
function isLate(evidence: Evidence | null): boolean {
  return evidence !== null && evidence.got !== "http" && evidence.got !== "nothing" && evidence.fault === "silent";
}
