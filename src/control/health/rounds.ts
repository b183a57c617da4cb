/** Which node is looked at when, and what is done with what was seen. */
import { asksReadiness, higherRung, judge } from "../../core/health/ladder.ts";
import { reason } from "../../core/health/reasons.ts";
import { nextDelay, onGrid, slotQuota, takeStart, type StartPace } from "../../core/health/schedule.ts";
import type { Outcome } from "../../core/health/verdict.ts";
import type { EventLog } from "../log/event-log.ts";
import { probedAs, type Clock, type ProbedNode, type TrackedEndpoint, type HealthModel } from "./health-model.ts";
import type { NodeIdentities } from "./node-identities.ts";
import type { NodeProbe, ProbePlan, NodeProbeResult, ProbeRequest } from "../probe/node-probe.ts";

export interface RoundsInput {
  readonly world: HealthModel;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: EventLog;
  readonly identities: NodeIdentities;
  readonly timeoutMs: () => number;
  readonly makeNodeProbe: (plan: ProbePlan) => NodeProbe;
  /** One endpoint's outcome. */
  readonly observe: (watch: TrackedEndpoint, outcome: Outcome) => void;
}

export interface Rounds {
  /** Look at this node from now on, first as soon as the pace allows; nothing if that goes on already. */
  begin(target: ProbedNode): void;
  /** Something happened: look at once. */
  probeSoon(target: ProbedNode): void;
  end(target: ProbedNode): void;
}

/** Traffic ports and certificates of nodes that are well are looked at this often at least, and half as often at most. */
const THOROUGH_MS = 900_000;
/** A look that threw is a fault of ours; the next one comes after this. */
const FAULT_MS = 5_000;

export function createRounds(input: RoundsInput): Rounds {
  const { world, clock, random, log } = input;
  const waiting: ProbedNode[] = [];
  let pace: StartPace = { slot: -1, used: 0 };
  let pumping = false;

  const pump = (): void => {
    pumping = false;
    const quota = slotQuota(world.nodes.size, shortestInterval(world));
    while (waiting.length > 0) {
      const place = takeStart(pace, clock.nowMs(), quota);
      pace = place.pace;
      if (place.waitMs > 0) {
        pumping = true;
        clock.timer(place.waitMs, pump);
        return;
      }
      const target = waiting.shift();
      if (target !== undefined) void round(target);
    }
  };
  const due = (target: ProbedNode): void => {
    target.timer?.cancel();
    target.timer = null;
    if (target.removed || waiting.includes(target)) return;
    waiting.push(target);
    if (!pumping) pump();
  };
  const later = (target: ProbedNode, atMs: number): void => {
    if (target.removed) return;
    target.timer?.cancel();
    target.timer = clock.timer(Math.max(0, onGrid(atMs) - clock.nowMs()), () => due(target));
  };
  const probeSoon = (target: ProbedNode): void => {
    if (target.cluster.config.check === "off") return;
    target.prompted = true;
    if (target.probing) target.probeAgain = true;
    else due(target);
  };
  const probeOthersSoon = (target: ProbedNode, are: (other: ProbedNode) => boolean): void => {
    for (const other of target.cluster.nodes) if (other !== target && are(other)) probeSoon(other);
  };
  const round = async (target: ProbedNode): Promise<void> => {
    if (target.removed || target.probing) return;
    if (target.cluster.config.check === "off") return void (target.prompted = false);
    const startedMs = clock.nowMs();
    target.probing = true;
    target.probeAgain = false;
    let nextMs = startedMs + FAULT_MS;
    try {
      const result = await lookAt(target, input);
      if (target.removed) return;
      const found = result.inconclusive ? NOTHING : await take(target, result, input);
      // those that passed a lower rung may not be ready after all
      if (found.raised) probeOthersSoon(target, ({ family }) => family === target.family);
      // an address that another cluster's node got is another cluster's on every port
      if (found.foreign) probeOthersSoon(target, ({ ip }) => ip === target.ip);
      const states = target.endpoints.map(({ state }) => state);
      nextMs = startedMs + nextDelay(states, target.cluster.config.intervalMs, random());
    } catch (error) {
      log.error("health", `Cannot look at ${target.ip} of ${target.cluster.name}: ${String(error)}`);
    }
    target.probing = false;
    target.prompted = target.probeAgain;
    if (target.probeAgain) due(target);
    else later(target, nextMs);
  };

  return {
    begin(target) {
      if (!target.probing && target.timer === null) due(target);
    },
    probeSoon,
    end(target) {
      target.removed = true;
      target.timer?.cancel();
      const place = waiting.indexOf(target);
      if (place >= 0) waiting.splice(place, 1);
      target.nodeProbe?.close();
      target.nodeProbe = null;
      input.identities.forget(target.key);
    },
  };
}

function shortestInterval(world: HealthModel): number {
  let shortest = 30_000;
  for (const { config } of world.clusters.values()) shortest = Math.min(shortest, config.intervalMs);
  return shortest;
}

function lookAt(target: ProbedNode, input: RoundsInput): Promise<NodeProbeResult> {
  const { cluster, family, ip, endpoints } = target;
  const servername = input.identities.servername(cluster.name, family);
  const key = endpoints.reduce((text, { kind, at }) => `${text} ${kind}:${at.port}`, servername ?? "");
  if (target.nodeProbe === null || target.nodeProbeKey !== key) {
    target.nodeProbe?.close();
    const ports = Object.fromEntries(endpoints.map(({ kind, at }) => [kind, at.port]));
    target.nodeProbe = input.makeNodeProbe({ family, ip, ports, readyPort: cluster.config.ports.ready, servername });
    target.nodeProbeKey = key;
  }
  const wish = wishOf(target, input);
  target.round += 1;
  return target.nodeProbe.probe(wish);
}

function wishOf(target: ProbedNode, { clock, random, timeoutMs }: RoundsInput): ProbeRequest {
  const { cluster, endpoints } = target;
  const mode = cluster.config.check;
  const well = endpoints.every(({ state }) => state.verdict === "up" && state.streak === 0);
  const overdue = clock.nowMs() - target.lastThoroughMs >= THOROUGH_MS;
  // some earlier, so that nodes first seen together drift apart
  if (overdue) target.lastThoroughMs = clock.nowMs() - (random() * THOROUGH_MS) / 2;
  return {
    readiness: endpoints.some((watch) =>
      asksReadiness(probedAs(watch), mode, cluster.rungs.get(watch.kind) ?? null, target.round),
    ),
    handshake: mode !== "tcp" && !endpoints.some((watch) => probedAs(watch) !== watch.kind),
    // who was urged may answer on the connections it is known on, and on no others
    thorough: overdue || target.prompted || !well,
    reconnect: overdue || target.prompted || isForeign(target),
    timeoutMs: timeoutMs(),
  };
}

/** What a look changed beside the verdicts. */
interface Found {
  /** A pool is held to a higher rung now. */
  readonly raised: boolean;
  /** The node turned out to be another cluster's. */
  readonly foreign: boolean;
}
const NOTHING: Found = { raised: false, foreign: false };

async function take(target: ProbedNode, result: NodeProbeResult, input: RoundsInput): Promise<Found> {
  const wasForeign = isForeign(target);
  await recognise(target, result, input);
  if (target.removed) return NOTHING;
  const { cluster } = target;
  let raised = false;
  for (const watch of target.endpoints) {
    const { kind } = watch;
    const stuck = cluster.rungs.get(kind) ?? null;
    const { outcome, rung } = judge(
      probedAs(watch),
      cluster.config.check,
      stuck,
      result.ready,
      result.own[kind] ?? null,
    );
    // a foreign node's readiness says nothing of our pool
    const foreign = isForeign(target) && outcome.verdict !== "dead";
    const best = foreign ? stuck : higherRung(stuck, rung);
    if (best !== null) cluster.rungs.set(kind, best);
    raised ||= stuck !== null && best !== stuck;
    input.observe(watch, foreign ? { verdict: "foreign", reason: FOREIGN } : outcome);
  }
  return { raised, foreign: !wasForeign && isForeign(target) };
}
const FOREIGN = reason("shows another cluster's certificate");

/** Whose node is it? Asked when the certificate changed, or the names it was judged by. */
async function recognise(target: ProbedNode, { certificate }: NodeProbeResult, input: RoundsInput): Promise<void> {
  const { identities } = input;
  const shown = certificate ?? target.certificate;
  const version = identities.version();
  if (shown === null) return;
  if (shown.fingerprint === target.certificate?.fingerprint && target.judgedByVersion === version) return;
  const { key, cluster, family, nodeProbe } = target;
  const showing = { key, cluster: cluster.name, family, certificate: shown };
  const present = async (servername: string): Promise<typeof certificate> =>
    (await nodeProbe?.certificateShownTo(servername, input.timeoutMs())) ?? null;
  target.certificate = shown;
  target.judgedByVersion = version;
  // on a kept connection its names alone are judged again, which cannot clear what asking it has found out
  if (certificate === null && isForeign(target)) return;
  const identity = certificate === null ? identities.rejudge(showing) : await identities.judge(showing, present);
  if (identity.kind === "foreign" && !isForeign(target)) tellForeign(target, identity.cluster, input.log);
  target.identity = identity;
}

function isForeign({ identity }: ProbedNode): boolean {
  return identity.kind === "foreign";
}

/** Said once for a node, not for each of its ports. */
function tellForeign({ cluster, ip }: ProbedNode, other: string, log: EventLog): void {
  const said = cluster.nodes.some((each) => each.ip === ip && isForeign(each));
  if (said) return;
  const text = `${cluster.name}: ${ip} shows the certificate of ${other} and gets no client of ${cluster.name}; was its address given to another node?`;
  log.warn("identity", text, { cluster: cluster.name, node: ip, other });
}
