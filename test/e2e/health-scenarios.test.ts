/** What clients notice when a node changes its manners, and how soon it is out and in again; a crowd comes all the time. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { failures, type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import { LISTENERS, type Listener } from "../../scripts/lab/lab.ts";
import type { BehaviourName } from "../../scripts/lab/toy/node.ts";

const INTERVAL_MS = 500;
const PROBE_MS = 1_000;
const FALL = 2;
/** Nodes, clients and edge-lb share two cores with whatever else runs there. */
const SLACK_MS = 2_000;
/** fall x interval + timeout; intervals have a jitter of a tenth. */
const OUT_MS = FALL * INTERVAL_MS * 1.1 + PROBE_MS + SLACK_MS;
const CLIENTS_EVERY_MS = 60;

let lab: HealthLab;
beforeAll(async () => {
  const args = ["--interval", `${INTERVAL_MS}ms`, "--timeout", `probe=${PROBE_MS}ms`];
  lab = await startHealthLab({ block: "127.61.0", args });
  await lab.settled();
});
afterAll(() => lab?.stop());

/** The node that serves clients of the hashed pools. */
async function victim(): Promise<number> {
  const crowd = lab.crowd(20);
  await Bun.sleep(100);
  const visits = await crowd.stop();
  const name = visits.find(({ listener, node }) => listener === "https" && node !== null)?.node;
  return lab.hub.nodes.findIndex((node) => node.name === name);
}

interface Scenario {
  readonly behaviour: BehaviourName;
  /** Pools that lose the node, with the state and the reason they show. */
  readonly out: Readonly<Partial<Record<Listener, readonly [state: string, reason: RegExp]>>>;
  /** Clients may fail until the node is out: it accepts their connections. */
  readonly fails: boolean;
}

const all = (state: string, reason: RegExp): Scenario["out"] => ({
  api: [state, reason],
  https: [state, reason],
  http: [state, reason],
});
/** A port for plain HTTP that can be connected to is open, as far as a TCP probe sees; its router's readiness is not. */
const OPEN_BUT = [`not-ready|dead`, /readiness port does not answer|reset|closed/] as const;

const scenarios: readonly Scenario[] = [
  { behaviour: "healthy", out: {}, fails: false },
  { behaviour: "readyz 401", out: {}, fails: false },
  { behaviour: "readyz 500", out: { api: ["not-ready", /^\/readyz 500$/] }, fails: false },
  {
    behaviour: "router not ready",
    out: { https: ["not-ready", /^\/healthz\/ready 503$/], http: ["not-ready", /^\/healthz\/ready 503$/] },
    fails: false,
  },
  { behaviour: "refused", out: all("dead", /refused/), fails: false },
  { behaviour: "reset", out: { ...all("dead", /reset|closed/), http: OPEN_BUT }, fails: true },
  {
    behaviour: "alert only",
    out: { ...all("not-ready", /TLS handshake refused/), http: ["not-ready", /readiness port does not answer/] },
    fails: true,
  },
  { behaviour: "hang", out: { ...all("dead", /no answer/), http: OPEN_BUT }, fails: true },
];

describe("a node that is", () => {
  test.each(scenarios)(
    "$behaviour",
    async ({ behaviour, out, fails }) => {
      const { ip } = lab.node(await victim());
      const node = lab.node(lab.hub.nodes.findIndex((each) => each.ip === ip));
      const crowd = lab.crowd(CLIENTS_EVERY_MS);
      const badMs = Date.now();
      await node.behave(behaviour);
      const changedMs = Date.now();
      const pools = LISTENERS.filter((pool) => out[pool] !== undefined);
      let outMs = 0;
      for (const pool of pools) {
        const [state = "", reason = /./] = out[pool] ?? [];
        const event = await lab.turned(ip, pool, new RegExp(`^(${state})$`), badMs);
        expect(event.reason ?? "").toMatch(reason);
        outMs = Math.max(outMs, event.atMs - badMs);
      }
      await Bun.sleep(pools.length === 0 ? 4 * INTERVAL_MS : INTERVAL_MS);
      const wellMs = Date.now();
      await node.behave("healthy");
      let inMs = 0;
      for (const pool of pools) inMs = Math.max(inMs, (await lab.turned(ip, pool, /^up$/, wellMs)).atMs - wellMs);
      // a connection that stood when the node reset it has no other node to go to
      const visits = (await crowd.stop()).filter(({ atMs, ms }) => atMs > changedMs || atMs + ms < badMs);

      const failed = visits.filter(({ error }) => error !== null);
      const row = `${behaviour}: out ${seconds(outMs)} s, in ${seconds(inMs)} s, ${failed.length} of ${visits.length} failed`;
      if (process.env["HEALTH_TABLE"] !== undefined) console.error(row);
      if (!fails) expect(failures(visits)).toEqual([]);
      expect(outMs).toBeLessThanOrEqual(OUT_MS);
      // whoever came after the node was out met another one
      expect(failures(failed.filter(({ atMs }) => atMs > badMs + outMs + SLACK_MS && atMs < wellMs))).toEqual([]);
      if (pools.length === 0) expect(lab.events(badMs)).toEqual([]);
    },
    60_000,
  );
});

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
