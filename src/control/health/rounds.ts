/** Which node is looked at when, and what is done with what was seen. */
import { asksReadiness, higherRung, judge } from "../../core/health/ladder.ts";
import { reason } from "../../core/health/reasons.ts";
import { nextDelay, onGrid, slotQuota, takePlace, type Pace } from "../../core/health/schedule.ts";
import type { Outcome } from "../../core/health/verdict.ts";
import type { EventLog } from "../log/event-log.ts";
import { askedAs, type Clock, type Target, type Watch, type World } from "./model.ts";
import type { Identities } from "./identities.ts";
import type { Looker, LookPlan, LookResult, LookWish } from "../probe/look.ts";

export interface RoundsInput {
  readonly world: World;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: EventLog;
  readonly identities: Identities;
  readonly timeoutMs: () => number;
  readonly makeLooker: (plan: LookPlan) => Looker;
  /** One endpoint's outcome. */
  readonly observe: (watch: Watch, outcome: Outcome) => void;
}

export interface Rounds {
  /** Look at this node from now on, first as soon as the pace allows; nothing if that goes on already. */
  begin(target: Target): void;
  /** Something happened: look at once. */
  urge(target: Target): void;
  end(target: Target): void;
}

/** Traffic ports and certificates of nodes that are well are looked at this often at least, and half as often at most. */
const THOROUGH_MS = 900_000;
/** A look that threw is a fault of ours; the next one comes after this. */
const FAULT_MS = 5_000;

export function createRounds(input: RoundsInput): Rounds {
  const { world, clock, random, log } = input;
  const waiting: Target[] = [];
  let pace: Pace = { slot: -1, used: 0 };
  let pumping = false;

  const pump = (): void => {
    pumping = false;
    const quota = slotQuota(world.targets.size, shortestInterval(world));
    while (waiting.length > 0) {
      const place = takePlace(pace, clock.nowMs(), quota);
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
  const due = (target: Target): void => {
    target.timer?.cancel();
    target.timer = null;
    if (target.gone || waiting.includes(target)) return;
    waiting.push(target);
    if (!pumping) pump();
  };
  const later = (target: Target, atMs: number): void => {
    if (target.gone) return;
    target.timer?.cancel();
    target.timer = clock.timer(Math.max(0, onGrid(atMs) - clock.nowMs()), () => due(target));
  };
  const urge = (target: Target): void => {
    if (target.cluster.config.check === "off") return;
    target.urged = true;
    if (target.busy) target.again = true;
    else due(target);
  };
  const urgeOthers = (target: Target, are: (other: Target) => boolean): void => {
    for (const other of target.cluster.targets) if (other !== target && are(other)) urge(other);
  };
  const round = async (target: Target): Promise<void> => {
    if (target.gone || target.busy) return;
    if (target.cluster.config.check === "off") return void (target.urged = false);
    const startedMs = clock.nowMs();
    target.busy = true;
    target.again = false;
    let nextMs = startedMs + FAULT_MS;
    try {
      const result = await lookAt(target, input);
      if (target.gone) return;
      const found = result.blind ? NOTHING : await take(target, result, input);
      // those that passed a lower rung may not be ready after all
      if (found.raised) urgeOthers(target, ({ family }) => family === target.family);
      // an address that another cluster's node got is another cluster's on every port
      if (found.foreign) urgeOthers(target, ({ ip }) => ip === target.ip);
      const states = target.watches.map(({ state }) => state);
      nextMs = startedMs + nextDelay(states, target.cluster.config.intervalMs, random());
    } catch (error) {
      log.error("health", `Cannot look at ${target.ip} of ${target.cluster.name}: ${String(error)}`);
    }
    target.busy = false;
    target.urged = target.again;
    if (target.again) due(target);
    else later(target, nextMs);
  };

  return {
    begin(target) {
      if (!target.busy && target.timer === null) due(target);
    },
    urge,
    end(target) {
      target.gone = true;
      target.timer?.cancel();
      const place = waiting.indexOf(target);
      if (place >= 0) waiting.splice(place, 1);
      target.looker?.close();
      target.looker = null;
      input.identities.forget(target.key);
    },
  };
}

function shortestInterval(world: World): number {
  let shortest = 30_000;
  for (const { config } of world.clusters.values()) shortest = Math.min(shortest, config.intervalMs);
  return shortest;
}

function lookAt(target: Target, input: RoundsInput): Promise<LookResult> {
  const { cluster, family, ip, watches } = target;
  const servername = input.identities.servername(cluster.name, family);
  const key = watches.reduce((text, { kind, at }) => `${text} ${kind}:${at.port}`, servername ?? "");
  if (target.looker === null || target.lookerKey !== key) {
    target.looker?.close();
    const ports = Object.fromEntries(watches.map(({ kind, at }) => [kind, at.port]));
    target.looker = input.makeLooker({ family, ip, ports, readyPort: cluster.config.ports.ready, servername });
    target.lookerKey = key;
  }
  const wish = wishOf(target, input);
  target.round += 1;
  return target.looker.look(wish);
}

function wishOf(target: Target, { clock, random, timeoutMs }: RoundsInput): LookWish {
  const { cluster, watches } = target;
  const mode = cluster.config.check;
  const well = watches.every(({ state }) => state.verdict === "up" && state.streak === 0);
  const overdue = clock.nowMs() - target.thoroughMs >= THOROUGH_MS;
  // some earlier, so that nodes first seen together drift apart
  if (overdue) target.thoroughMs = clock.nowMs() - (random() * THOROUGH_MS) / 2;
  return {
    ask: watches.some((watch) =>
      asksReadiness(askedAs(watch), mode, cluster.stuck.get(watch.kind) ?? null, target.round),
    ),
    handshake: mode !== "tcp" && !watches.some((watch) => askedAs(watch) !== watch.kind),
    // who was urged may answer on the connections it is known on, and on no others
    thorough: overdue || target.urged || !well,
    renew: overdue || target.urged || isForeign(target),
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

async function take(target: Target, result: LookResult, input: RoundsInput): Promise<Found> {
  const wasForeign = isForeign(target);
  await recognise(target, result, input);
  if (target.gone) return NOTHING;
  const { cluster } = target;
  let raised = false;
  for (const watch of target.watches) {
    const { kind } = watch;
    const stuck = cluster.stuck.get(kind) ?? null;
    const { outcome, rung } = judge(
      askedAs(watch),
      cluster.config.check,
      stuck,
      result.ready,
      result.own[kind] ?? null,
    );
    // a foreign node's readiness says nothing of our pool
    const foreign = isForeign(target) && outcome.look !== "dead";
    const best = foreign ? stuck : higherRung(stuck, rung);
    if (best !== null) cluster.stuck.set(kind, best);
    raised ||= stuck !== null && best !== stuck;
    input.observe(watch, foreign ? { look: "foreign", reason: FOREIGN } : outcome);
  }
  return { raised, foreign: !wasForeign && isForeign(target) };
}
const FOREIGN = reason("shows another cluster's certificate");

/** Whose node is it? Asked when the certificate changed, or the names it was judged by. */
async function recognise(target: Target, { certificate }: LookResult, input: RoundsInput): Promise<void> {
  const { identities } = input;
  const shown = certificate ?? target.certificate;
  const version = identities.version();
  if (shown === null) return;
  if (shown.fingerprint === target.certificate?.fingerprint && target.judgedBy === version) return;
  const { key, cluster, family, looker } = target;
  const showing = { key, cluster: cluster.name, family, certificate: shown };
  const present = async (servername: string): Promise<typeof certificate> =>
    (await looker?.present(servername, input.timeoutMs())) ?? null;
  target.certificate = shown;
  target.judgedBy = version;
  // on a kept connection its names alone are judged again, which cannot clear what asking it has found out
  if (certificate === null && isForeign(target)) return;
  const identity = certificate === null ? identities.rejudge(showing) : await identities.judge(showing, present);
  if (identity.kind === "foreign" && !isForeign(target)) tellForeign(target, identity.cluster, input.log);
  target.identity = identity;
}

function isForeign({ identity }: Target): boolean {
  return identity.kind === "foreign";
}

/** Said once for a node, not for each of its ports. */
function tellForeign({ cluster, ip }: Target, other: string, log: EventLog): void {
  const said = cluster.targets.some((each) => each.ip === ip && isForeign(each));
  if (said) return;
  const text = `${cluster.name}: ${ip} shows the certificate of ${other} and gets no client of ${cluster.name}; was its address given to another node?`;
  log.warn("identity", text, { cluster: cluster.name, node: ip, other });
}
