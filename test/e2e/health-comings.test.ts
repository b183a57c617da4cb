/** Nodes that come late, are killed, or never say more than an alert, and whose clients notice. */
import { afterEach, describe, expect, test } from "bun:test";
import { failures, type HealthLab, startHealthLab } from "../../scripts/lab/health-lab.ts";
import { LISTENERS, type Listener } from "../../scripts/lab/lab.ts";

const ARGS = ["--interval", "500ms", "--timeout", "probe=1s"];
const CLIENTS_EVERY_MS = 60;
const SLACK_MS = 2_000;

let lab: HealthLab | undefined;
afterEach(async () => {
  await lab?.stop();
  lab = undefined;
});

const table = (row: string): void => {
  if (process.env["HEALTH_TABLE"] !== undefined) console.error(row);
};

/** Ms until every pool told this of the node. */
async function took(of: HealthLab, ip: string, state: RegExp, sinceMs: number): Promise<number> {
  const turned = await Promise.all(LISTENERS.map((pool: Listener) => of.turned(ip, pool, state, sinceMs)));
  return Math.max(...turned.map(({ atMs }) => atMs)) - sinceMs;
}

describe("a node that", () => {
  test("comes late is in soon, and no client notices", async () => {
    lab = await startHealthLab({ block: "127.62.0", args: ARGS, manners: { 2: "refused" } });
    await lab.settled();
    const crowd = lab.crowd(CLIENTS_EVERY_MS);
    await Bun.sleep(2_000);
    const { ip } = lab.node(2);
    const atMs = Date.now();
    await lab.node(2).behave("healthy");
    const inMs = await took(lab, ip, /^up$/, atMs);
    const visits = await crowd.stop();
    table(`late: in ${inMs} ms, ${failures(visits).length} of ${visits.length} failed`);
    expect(failures(visits)).toEqual([]);
    // it was asked every 0.5, 1, 2 s; three good answers in a row bring it in
    expect(inMs).toBeLessThanOrEqual(2_200 + 3 * 550 + SLACK_MS);
    expect(
      lab
        .events(atMs)
        .map(({ message }) => message)
        .toSorted(),
    ).toEqual([
      `hub: api up on ${ip}: /readyz 200`,
      `hub: http up on ${ip}: /healthz/ready 200`,
      `hub: https up on ${ip}: /healthz/ready 200`,
    ]);
  }, 40_000);

  test("is killed loses only the clients that it was serving", async () => {
    lab = await startHealthLab({ block: "127.63.0", args: ARGS, processes: true });
    await lab.settled();
    const crowd = lab.crowd(CLIENTS_EVERY_MS);
    await Bun.sleep(300);
    const { ip } = lab.node(0);
    const atMs = Date.now();
    await lab.node(0).kill();
    const deadMs = Date.now();
    const outMs = await took(lab, ip, /^dead$/, atMs);
    const backMs = Date.now();
    await lab.hub.restart(ip);
    const inMs = await took(lab, ip, /^up$/, backMs);
    const visits = await crowd.stop();
    table(`gone: out ${outMs} ms, in ${inMs} ms, ${failures(visits).length} of ${visits.length} failed`);
    expect(failures(visits.filter((one) => one.atMs > deadMs || one.atMs + one.ms < atMs))).toEqual([]);
    expect(outMs).toBeLessThanOrEqual(2 * 550 + 1_000 + SLACK_MS);
  }, 40_000);

  test("only alerts is never up, from the start", async () => {
    lab = await startHealthLab({ block: "127.64.0", args: ARGS, manners: { 0: "alert only" } });
    await lab.settled();
    const { ip } = lab.node(0);
    for (const pool of LISTENERS) await lab.turned(ip, pool, /^not-ready$/, 0);
    const crowd = lab.crowd(CLIENTS_EVERY_MS);
    await Bun.sleep(1_500);
    expect(failures(await crowd.stop())).toEqual([]);
    expect(lab.events().filter(({ state, nodes = "" }) => state === "up" && nodes.includes(ip))).toEqual([]);
  }, 40_000);

  test("is all there is and only alerts is not up either, but still tried", async () => {
    const manners = { 0: "alert only", 1: "refused", 2: "refused" } as const;
    lab = await startHealthLab({ block: "127.65.0", args: ARGS, manners });
    const { ip } = lab.node(0);
    const { reason } = await lab.turned(ip, "api", /^not-ready$/, 0);
    expect(reason).toBe("TLS handshake refused");
    const crowd = lab.crowd(100);
    await Bun.sleep(1_000);
    await crowd.stop();
    expect(lab.events().some(({ pool, state }) => pool === "api" && state === "up")).toBe(false);
    expect(lab.access(ip, 0).some(({ listener }) => listener === "api")).toBe(true);
  }, 40_000);
});
