/** Who gets in: max-connections in all, per cluster and per client, and `allow`; each with what the client is told. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { command } from "../../scripts/lab/command.ts";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { type HeldUpgrade, holdUpgrade } from "../support/held-upgrade.ts";
import { type SmallLab, type SmallLabOptions, startSmallLab, until } from "../../scripts/lab/small-lab.ts";

const ENGINES = ["linux", "bun"] as const;
/** On a busy machine; alone a test takes some 2 s. */
setDefaultTimeout(30_000);
let block = 0;

async function withLab(
  engine: string,
  options: Partial<SmallLabOptions>,
  use: (lab: SmallLab) => Promise<void>,
): Promise<void> {
  block += 1;
  const args = ["--engine", engine, ...(options.args ?? [])];
  const lab = await startSmallLab({ ...options, block: `127.72.${block}`, args });
  try {
    await use(lab);
  } finally {
    await lab.stop();
  }
}

/** The alert that openssl sees; null: the handshake was done. */
async function alertOf({ ip, port, host }: Door, from = "127.0.0.1"): Promise<number | null> {
  const address = ["-connect", `${ip}:${port}`, "-bind", `${from}:0`];
  const { out, err } = await command(["openssl", "s_client", ...address, "-servername", host]);
  const found = /SSL alert number (\d+)/.exec(out + err)?.[1];
  if (found === undefined) expect(out).toContain("BEGIN CERTIFICATE");
  return found === undefined ? null : Number(found);
}

/** Status and body as curl sees them. */
async function askHttp({ ip, port, host }: Door, from = "127.0.0.1"): Promise<{ status: number; body: string }> {
  const to = ["--resolve", `${host}:${port}:${ip}`, "--interface", from];
  const { out } = await command([
    "curl",
    "--silent",
    "--write-out",
    "\n%{http_code}",
    ...to,
    `http://${host}:${port}/`,
  ]);
  return { status: Number(out.slice(-3)), body: out };
}

async function hold(door: Door, count: number, from?: string): Promise<HeldUpgrade[]> {
  const held = Array.from({ length: count }, () => holdUpgrade(door, from));
  await until(`${count} tunnels`, () => held.every((one) => one.state() === "held"));
  return held;
}

async function refused(lab: SmallLab): Promise<number> {
  return (await lab.control.status()).connections.refused;
}

async function gone(lab: SmallLab, held: readonly HeldUpgrade[]): Promise<void> {
  for (const one of held) one.close();
  await until("no connection left", async () => (await lab.control.status()).connections.open === 0);
}

describe.each(ENGINES)("max-connections on engine %s", (engine) => {
  test("in all: whoever is one too many gets alert 80 or a 503, counted, until somebody leaves", async () => {
    await withLab(engine, { args: ["--max-connections", "3"] }, async (lab) => {
      const held = await hold(lab.door("hub", "http"), 3);
      expect((await lab.control.status()).connections).toMatchObject({ open: 3, limit: 3, refused: 0 });
      expect(await alertOf(lab.door("hub", "https"))).toBe(80);
      expect(await alertOf(lab.door("other", "api"))).toBe(80);
      expect(await askHttp(lab.door("other", "http"))).toMatchObject({ status: 503 });
      expect(await refused(lab)).toBe(3);
      await lab.edge.logged(/limit reached \(max-connections\)/);
      expect(await held[0]?.echo("still here")).toBe(true);
      await gone(lab, held);
      expect(await alertOf(lab.door("hub", "https"))).toBe(null);
      expect(await askHttp(lab.door("other", "http"))).toMatchObject({ status: 200 });
    });
  });

  test("of a cluster: that cluster alone is full", async () => {
    await withLab(engine, { items: { hub: "max-connections=2" } }, async (lab) => {
      const held = await hold(lab.door("hub", "http"), 2);
      const { status, body } = await askHttp(lab.door("hub", "http"));
      expect(status).toBe(503);
      expect(body).toContain("hub");
      expect(await alertOf(lab.door("hub", "https"))).toBe(80);
      expect(await alertOf(lab.door("other", "https"))).toBe(null);
      expect(await askHttp(lab.door("other", "http"))).toMatchObject({ status: 200 });
      expect(await refused(lab)).toBe(2);
      const [hub] = (await lab.control.status()).clusters;
      expect(hub).toMatchObject({ name: "hub", maxConnections: 2, active: 2 });
      await lab.edge.logged(/limit reached \(max-connections of hub\)/);
      await gone(lab, held);
      expect(await alertOf(lab.door("hub", "https"))).toBe(null);
    });
  });

  test("of a cluster: a burst does not get around it", async () => {
    await withLab(engine, { items: { hub: "max-connections=5" } }, async (lab) => {
      const burst = Array.from({ length: 60 }, () => holdUpgrade(lab.door("hub", "http")));
      await until("everybody answered", () => burst.every((one) => one.state() !== "waiting"));
      // two workers may look at the same moment
      const held = burst.filter((one) => one.state() === "held");
      expect([5, 6]).toContain(held.length);
      await gone(lab, burst);
      expect((await lab.control.status()).clusters[0]).toMatchObject({ name: "hub", active: 0 });
    });
  });

  test("per client: other addresses are served", async () => {
    await withLab(engine, { args: ["--max-connections-per-client", "2"] }, async (lab) => {
      const held = await hold(lab.door("hub", "http"), 2, "127.0.0.5");
      expect(await alertOf(lab.door("hub", "https"), "127.0.0.5")).toBe(80);
      expect(await askHttp(lab.door("hub", "http"), "127.0.0.5")).toMatchObject({ status: 503 });
      expect(await alertOf(lab.door("hub", "https"), "127.0.0.6")).toBe(null);
      expect(await askHttp(lab.door("hub", "http"), "127.0.0.6")).toMatchObject({ status: 200 });
      expect(await refused(lab)).toBe(2);
      await lab.edge.logged(/127\.0\.0\.5:.*limit reached \(max-connections-per-client\)/);
      await gone(lab, held);
      expect(await askHttp(lab.door("hub", "http"), "127.0.0.5")).toMatchObject({ status: 200 });
    });
  });
});

describe.each(ENGINES)("allow on engine %s", (engine) => {
  test("for all clusters: strangers get alert 49 or a 403, counted", async () => {
    await withLab(engine, { args: ["--allow", "127.0.0.0/30"] }, async (lab) => {
      for (const listener of ["api", "https"] as const) {
        expect(await alertOf(lab.door("hub", listener))).toBe(null);
        expect(await alertOf(lab.door("hub", listener), "127.0.0.9")).toBe(49);
      }
      expect(await askHttp(lab.door("hub", "http"))).toMatchObject({ status: 200 });
      expect(await askHttp(lab.door("hub", "http"), "127.0.0.9")).toMatchObject({ status: 403 });
      expect(await refused(lab)).toBe(3);
      await lab.edge.logged(/127\.0\.0\.9:.*not allowed/);
    });
  });

  test("for one cluster: the others serve everyone", async () => {
    await withLab(engine, { items: { hub: "allow=127.0.0.9" } }, async (lab) => {
      expect(await visit(lab.door("other", "https"))).toMatchObject({ cluster: "other" });
      expect(await alertOf(lab.door("hub", "https"))).toBe(49);
      expect(await askHttp(lab.door("hub", "http"))).toMatchObject({ status: 403 });
      expect(await alertOf(lab.door("hub", "https"), "127.0.0.9")).toBe(null);
      expect(await askHttp(lab.door("hub", "http"), "127.0.0.9")).toMatchObject({ status: 200 });
      expect(await refused(lab)).toBe(2);
    });
  });
});
