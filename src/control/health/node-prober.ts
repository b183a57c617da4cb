/** One probe round of one node: what to ask it, whose node its certificate says it is, and what each endpoint's outcome is. */
import type { ShownCertificate } from "../../core/health/identity.ts";
import { asksReadiness, higherRung, judge } from "../../core/health/ladder.ts";
import { reason } from "../../core/health/reasons.ts";
import type { Outcome } from "../../core/health/verdict.ts";
import type { EventLog } from "../log/event-log.ts";
import type { NodeProbe, NodeProbeResult, ProbePlan, ProbeRequest } from "../probe/node-probe.ts";
import type { NodeIdentities } from "./node-identities.ts";
import type { Clock } from "./system-clock.ts";
import type { ProbedNode, TrackedEndpoint } from "./tracked.ts";

export interface ProberInput {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: EventLog;
  readonly identities: NodeIdentities;
  readonly makeNodeProbe: (plan: ProbePlan) => NodeProbe;
}

/** What a probe round found. */
export interface NodeFindings {
  readonly outcomes: readonly EndpointOutcome[];
  /** A pool is held to a higher rung from now on. */
  readonly rungRaised: boolean;
  /** The node turned out to be another cluster's. */
  readonly becameForeign: boolean;
}

export interface EndpointOutcome {
  readonly endpoint: TrackedEndpoint;
  readonly outcome: Outcome;
}

const NOTHING: NodeFindings = { outcomes: [], rungRaised: false, becameForeign: false };
const FOREIGN: Outcome = { verdict: "foreign", reason: reason("shows another cluster's certificate") };

/** Traffic ports and certificates of nodes that are well are probed this often at least, and twice as often at most. */
const THOROUGH_MS = 900_000;
/** A node that takes no new connections any more goes on answering on a kept one: this often a probe makes its own. Every other one at the usual 5 s. */
const NEW_CONNECTION_MS = 9_000;

export class NodeProber {
  private readonly input: ProberInput;

  constructor(input: ProberInput) {
    this.input = input;
  }

  /** @returns nothing found where this machine could not ask, the node was removed meanwhile, or all of it is edge-lb itself */
  async probe(node: ProbedNode, timeoutMs: number): Promise<NodeFindings> {
    if (node.probed.length === 0) return NOTHING;
    const probe = this.probeOf(node);
    const request = this.requestFor(node, timeoutMs);
    node.round += 1;
    const result = await probe.probe(request);
    if (node.removed || result.inconclusive) return NOTHING;
    const wasForeign = node.isForeign;
    await this.identify(node, result.certificate, timeoutMs);
    if (node.removed) return NOTHING;
    return { ...judgeEndpoints(node, result), becameForeign: node.isForeign && !wasForeign };
  }

  /** The node is not probed any more. */
  forget(node: ProbedNode): void {
    node.probe?.close();
    node.probe = null;
    this.input.identities.forget(node.key);
  }

  /** The node's probe; a new one when the name to ask with or a port is another. */
  private probeOf(node: ProbedNode): NodeProbe {
    const { cluster, group, ip, probed } = node;
    const servername = this.input.identities.servername(cluster.name, group);
    const key = probed.reduce((text, { service, at }) => `${text} ${service.name}:${at.port}`, servername ?? "");
    if (node.probe === null || node.probeKey !== key) {
      node.probe?.close();
      const ports = probed.map(({ service, at }) => ({ service, port: at.port }));
      node.probe = this.input.makeNodeProbe({ group, ip, ports, readyPort: cluster.config.ports.ready, servername });
      node.probeKey = key;
    }
    return node.probe;
  }

  private requestFor(node: ProbedNode, timeoutMs: number): ProbeRequest {
    const { clock, random } = this.input;
    const { cluster, probed: endpoints, prompted, round } = node;
    const { check } = cluster.config;
    const overdue = clock.nowMs() - node.lastThoroughMs >= THOROUGH_MS;
    // up to half the time less, so that nodes first seen together drift apart
    if (overdue) node.lastThoroughMs = clock.nowMs() - (random() * THOROUGH_MS) / 2;
    const reconnect =
      overdue || prompted || node.isForeign || clock.nowMs() - node.lastReconnectMs >= NEW_CONNECTION_MS;
    if (reconnect) node.lastReconnectMs = clock.nowMs();
    return {
      readiness: endpoints.some(({ service, probedAs }) =>
        asksReadiness(probedAs, check, cluster.rungs.get(service.name) ?? null, round),
      ),
      handshake: check !== "tcp" && endpoints.every(({ service, probedAs }) => probedAs.routedBy === service.routedBy),
      // a node that something happened to may answer on its kept connections and on no others
      thorough: overdue || prompted || !endpoints.every(({ steadyUp }) => steadyUp),
      reconnect,
      timeoutMs,
    };
  }

  /**
   * Whose node is it? Decided again when the certificate changed, or the names it was judged by.
   * @param fresh Shown on a new connection; null: none was made.
   */
  private async identify(node: ProbedNode, fresh: ShownCertificate | null, timeoutMs: number): Promise<void> {
    const { identities, log } = this.input;
    const shown = fresh ?? node.certificate;
    const { version } = identities;
    if (shown === null) return;
    if (shown.fingerprint === node.certificate?.fingerprint && node.judgedByVersion === version) return;
    const { key, cluster, group, probe } = node;
    const seen = { key, cluster: cluster.name, group, certificate: shown };
    node.certificate = shown;
    node.judgedByVersion = version;
    // only asking a foreign node again can clear it: its certificate alone may name no cluster at all
    if (fresh === null && node.isForeign) return;
    const identity =
      fresh === null
        ? identities.judgeByNames(seen)
        : await identities.judge(seen, async (name) => (await probe?.certificateShownTo(name, timeoutMs)) ?? null);
    if (node.removed) return;
    identities.remember(seen, identity);
    if (identity.kind === "foreign" && !node.isForeign) logForeign(node, identity.cluster, log);
    node.identity = identity;
  }
}

function judgeEndpoints(node: ProbedNode, result: NodeProbeResult): Omit<NodeFindings, "becameForeign"> {
  const { rungs, config } = node.cluster;
  const outcomes: EndpointOutcome[] = [];
  let rungRaised = false;
  for (const endpoint of node.probed) {
    const { probedAs } = endpoint;
    const { name } = endpoint.service;
    const held = rungs.get(name) ?? null;
    const { outcome, rung } = judge(probedAs, config.check, held, result.ready, result.own[name] ?? null);
    // a foreign node's readiness says nothing of our pool
    const foreign = node.isForeign && outcome.verdict !== "dead";
    const best = foreign ? held : higherRung(held, rung);
    if (best !== null) rungs.set(name, best);
    rungRaised ||= held !== null && best !== held;
    outcomes.push({ endpoint, outcome: foreign ? FOREIGN : outcome });
  }
  return { outcomes, rungRaised };
}

/** Said once for a node, not for each of its ports. */
function logForeign({ cluster, ip }: ProbedNode, other: string, log: EventLog): void {
  if (cluster.nodes.some((each) => each.ip === ip && each.isForeign)) return;
  const text = `${cluster.name}: ${ip} shows the certificate of ${other} and gets no client of ${cluster.name}; was its address given to another node?`;
  log.warn("identity", text, { cluster: cluster.name, node: ip, other });
}
