/** Changing a running edge-lb: what its commands do, and what happens to those who are connected. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, controlAt } from "../../scripts/lab/control.ts";
import { type EdgeLb, edgeLbArgv, runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

const BLOCK = "127.24.0";
let folder: string;
let hub: ToyCluster;
let more: ToyCluster;
let nodePorts: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-operations-"));
  chmodSync(folder, 0o755);
  const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
  const ports = { api, https, http, ready };
  nodePorts = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips: [`${BLOCK}.20`, `${BLOCK}.21`], ports });
  more = await startToyCluster({ name: "more", domain: "more.lab", ips: [`${BLOCK}.30`], ports });
});
afterAll(async () => {
  await Promise.all([hub.stop(), more.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly edge: EdgeLb;
  readonly control: Control;
  readonly file: string;
  readonly http: number;
  /** The cluster that answers to this host on port 80; null: none. */
  whoServes(host: string): Promise<string | null>;
  stop(): Promise<void>;
}

let started = 0;
/** An instance with a file of one cluster, hub. */
async function start(...args: readonly string[]): Promise<Running> {
  const [api = 0, https = 0, http = 0] = await freePorts(3);
  const file = join(folder, `lab-${++started}.yaml`);
  const path = join(folder, `lab-${started}.sock`);
  writeFileSync(
    file,
    `# the lab\ndomain: lab # base\nlisten: { api: "127.0.0.1:${api}", https: "127.0.0.1:${https}", http: "127.0.0.1:${http}" }\n` +
      `clusters:\n  hub: "${BLOCK}.20-21,${nodePorts}" # two nodes\n`,
  );
  const edge = await startEdgeLb(["--config", file, "--control", path, ...args]);
  return {
    edge,
    file,
    http,
    control: controlAt(path),
    async whoServes(host) {
      const response = await fetch(`http://127.0.0.1:${http}/version`, { headers: { host }, keepalive: false });
      const body = await response.text();
      return response.ok ? (JSON.parse(body) as { cluster: string }).cluster : null;
    },
    stop: () => edge.stop(),
  };
}

/** An upgraded connection, open until somebody closes it. */
async function openTunnel(port: number, host: string) {
  const socket = net.connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  expect(String((await once(socket, "data"))[0])).toStartWith("HTTP/1.1 101 ");
  return {
    closed,
    async echo(text: string): Promise<string> {
      socket.write(text);
      return String((await once(socket, "data"))[0]);
    },
    close: () => socket.destroy(),
  };
}

const HUB = "a.apps.hub.lab";
const MORE = "a.apps.more.lab";
const spec = (): string => `${BLOCK}.30,${nodePorts}`;

describe("add and rm", () => {
  test("serve a cluster from the moment the command returns, until a restart", async () => {
    const lab = await start();
    try {
      expect(await lab.whoServes(MORE)).toBeNull();
      expect(await lab.control.run("add", `more=${spec()}`)).toMatchObject({ code: 0, out: "cluster more added\n" });
      expect(await lab.whoServes(MORE)).toBe("more");
      expect(await lab.control.run("reload")).toMatchObject({ code: 0, out: "nothing changed\n" });
      expect(await lab.whoServes(MORE)).toBe("more");
      const { clusters } = await lab.control.status();
      expect(clusters.map(({ name, layer }) => `${name} ${layer}`)).toEqual(["hub file", "more runtime"]);
      expect(await lab.control.run("rm", "more")).toMatchObject({ code: 0, out: "cluster more removed\n" });
      expect(await lab.whoServes(MORE)).toBeNull();
      expect(await lab.whoServes(HUB)).toBe("hub");
    } finally {
      await lab.stop();
    }
  });

  test("--save writes the file and keeps what else is in it", async () => {
    const lab = await start();
    try {
      const before = readFileSync(lab.file, "utf8");
      chmodSync(lab.file, 0o640);
      expect((await lab.control.run("add", `more=${spec()},check=off`, "--save")).out).toContain(
        `saved to ${lab.file}`,
      );
      const saved = readFileSync(lab.file, "utf8");
      expect(saved).toStartWith(before);
      expect(saved).toContain("  more: { nodes: ");
      expect((await lab.control.status()).clusters.map(({ layer }) => layer)).toEqual(["file", "file"]);
      expect((await runEdgeLb(["check", "--config", lab.file])).code).toBe(0);
      expect((await lab.control.run("rm", "more", "--save")).code).toBe(0);
      expect(readFileSync(lab.file, "utf8")).toBe(before);
      await lab.control.run("reload");
      expect(await lab.whoServes(MORE)).toBeNull();
    } finally {
      await lab.stop();
    }
  });

  test("rm gives tunnels their time, rm --now none, and others are not touched", async () => {
    const lab = await start("--timeout", "drain=1500ms");
    try {
      const stays = await openTunnel(lab.http, HUB);
      for (const [argv, least, most] of [
        [["rm", "more"], 1_000, 8_000],
        [["rm", "more", "--now"], 0, 1_400],
      ] as const) {
        await lab.control.run("add", `more=${spec()}`);
        const goes = await openTunnel(lab.http, MORE);
        const { out } = await lab.control.run(...argv);
        expect(out).toContain("1 open connection");
        const from = performance.now();
        await goes.closed;
        expect(performance.now() - from).toBeGreaterThanOrEqual(least - 1_000); // the command's own end comes late
        expect(performance.now() - from).toBeLessThan(most);
      }
      expect(await stays.echo("still here")).toBe("still here");
      stays.close();
    } finally {
      await lab.stop();
    }
  });

  test("say what is wrong and change nothing", async () => {
    const lab = await start();
    try {
      expect(await lab.control.run("add", "more=10.0.0.300")).toMatchObject({
        code: 2,
        err: expect.stringContaining("add more=10.0.0.300: Cannot use nodes"),
      });
      expect(await lab.control.run("add", `more=${spec()},domain=hub.lab`)).toMatchObject({
        code: 2,
        err: expect.stringContaining("claims it too"),
      });
      expect(await lab.control.run("rm", "mroe")).toMatchObject({
        code: 1,
        err: expect.stringContaining("there are hub"),
      });
      expect((await lab.control.status()).clusters).toHaveLength(1);
    } finally {
      await lab.stop();
    }
  });
});

describe("drain", () => {
  test("sends new clients elsewhere, survives a reload, and can be undone", async () => {
    const lab = await start("--timeout", "drain=500ms");
    try {
      const tunnel = await openTunnel(lab.http, HUB);
      const served = (await lab.control.status()).clusters[0]?.pools
        .flatMap(({ endpoints }) => endpoints)
        .find(({ active }) => active > 0);
      const node = `hub/${served?.ip}`;
      expect(await lab.control.run("drain", node)).toMatchObject({
        code: 0,
        out: expect.stringContaining("1 open connection"),
      });
      await tunnel.closed;
      const file = readFileSync(lab.file, "utf8");
      writeFileSync(lab.file, file.replace("two nodes", "2 nodes"));
      await lab.control.run("reload");
      const states = async (): Promise<string[]> =>
        (await lab.control.status()).clusters.flatMap(({ pools }) =>
          pools.flatMap(({ endpoints }) => endpoints.filter(({ ip }) => ip === served?.ip).map(({ state }) => state)),
        );
      expect(await states()).toEqual(["drained", "drained", "drained"]);
      const again = await openTunnel(lab.http, HUB);
      expect(
        (await lab.control.status()).clusters[0]?.pools
          .flatMap(({ endpoints }) => endpoints)
          .filter(({ active }) => active > 0),
      ).toMatchObject([{ ip: expect.not.stringMatching(`^${served?.ip}$`) }]);
      again.close();
      expect((await lab.control.run("drain", node, "--undo")).code).toBe(0);
      expect(await states()).not.toContain("drained");
      expect((await lab.control.run("drain", "hub/10.9.9.9")).code).toBe(1);
    } finally {
      await lab.stop();
    }
  });
});

describe("status and explain", () => {
  test("show what is served, to whom, and what was asked in vain", async () => {
    const lab = await start();
    try {
      await lab.edge.logged(/hub: http up/);
      const tunnel = await openTunnel(lab.http, HUB);
      await lab.whoServes("a.apps.hbu.lab");
      const { code, out } = await lab.control.run("status");
      expect(code).toBe(0);
      expect(out).toContain(`pid ${lab.edge.pid}, engine `);
      expect(out).toMatch(/^http +127\.0\.0\.1:\d+ +1 +1$/m);
      expect(out).toMatch(/^http +a\.apps\.hbu\.lab +1 +127\.0\.0\.1 +\*\.apps\.hub\.lab$/m);
      const status = JSON.parse((await lab.control.run("status", "--json")).out) as Awaited<
        ReturnType<Control["status"]>
      >;
      expect(status).toMatchObject({
        version: 1,
        pid: lab.edge.pid,
        file: lab.file,
        stopping: false,
        connections: { open: 1, unknownName: 1 },
        clusters: [{ name: "hub", domain: "hub.lab", layer: "file", state: "up", active: 1, total: 1 }],
      });
      const live = await lab.control.run("explain", HUB);
      expect(live.code).toBe(0);
      expect(live.out).toMatch(/> 127\.24\.0\.2\d:\d+ +up .*1 open {2}\/healthz\/ready 200/);
      tunnel.close();
    } finally {
      await lab.stop();
    }
  });
});

describe("reload", () => {
  test("by file change, SIGHUP and command serves what the file says", async () => {
    const lab = await start();
    try {
      const text = readFileSync(lab.file, "utf8");
      const write = (name: string): void => writeFileSync(lab.file, `${text}  ${name}: "${spec()}"\n`);
      write("more");
      await lab.edge.logged(/reload \(file changed\): cluster more added/);
      expect(await lab.whoServes(MORE)).toBe("more");
      write("other");
      lab.edge.signal("SIGHUP");
      await lab.edge.logged(/cluster other added/);
      expect([await lab.whoServes(MORE), await lab.whoServes("a.apps.other.lab")]).toEqual([null, "more"]);
      writeFileSync(lab.file, text);
      const { code, out } = await lab.control.run("reload");
      expect(code).toBe(0);
      // the watch of the file may have been faster
      expect(["cluster other removed\n", "nothing changed\n"]).toContain(out);
      expect(await lab.whoServes("a.apps.other.lab")).toBeNull();
    } finally {
      await lab.stop();
    }
  });

  test("of a bad file: exit 1 with its place, and everything goes on", async () => {
    const lab = await start();
    try {
      const text = readFileSync(lab.file, "utf8");
      for (const bad of [text.replace(".20-21", ".21-20"), "", "clusters: {"]) {
        writeFileSync(lab.file, bad);
        const { code, out, err } = await lab.control.run("reload");
        expect([code, out]).toEqual([1, ""]);
        expect(err).toMatch(new RegExp(`^edge-lb: ${lab.file}:\\d+:\\d+: Cannot `));
        expect(err).toEndWith("nothing has changed\n");
      }
      expect(await lab.whoServes(HUB)).toBe("hub");
    } finally {
      await lab.stop();
    }
  });

  test("says what needs a restart", async () => {
    const lab = await start();
    try {
      writeFileSync(lab.file, `${readFileSync(lab.file, "utf8")}workers: 7\n`);
      await lab.control.run("reload");
      await lab.edge.logged(/reload \(.*\): needs a restart: workers: \d+ -> 7/);
    } finally {
      await lab.stop();
    }
  });
});

describe("the control socket", () => {
  test("of a killed instance is taken over by the next", async () => {
    const lab = await start();
    lab.edge.signal("SIGKILL");
    await lab.edge.exit().catch(() => undefined);
    expect(existsSync(lab.control.path)).toBe(true);
    expect(await lab.control.run("status")).toMatchObject({
      code: 1,
      err: expect.stringContaining("nothing listens there"),
    });
    const next = await startEdgeLb(["--config", lab.file, "--control", lab.control.path]);
    expect((await lab.control.status()).pid).toBe(next.pid);
    await next.stop();
    expect(existsSync(lab.control.path)).toBe(false);
  });

  test("refuses a second instance and names the first: exit 1", async () => {
    const lab = await start();
    try {
      const { code, err } = await runEdgeLb(["--cluster", "a=192.0.2.9", "--control", lab.control.path]);
      expect([code, err]).toEqual([1, expect.stringContaining(`edge-lb with pid ${lab.edge.pid} has it`)]);
    } finally {
      await lab.stop();
    }
  });

  test("tells a caller without rights what to do", async () => {
    const lab = await start();
    try {
      if (process.getuid?.() !== 0) chmodSync(lab.control.path, 0);
      const { status, stderr } = asNobody(["status", "--control", lab.control.path]);
      expect([status, stderr]).toEqual([
        1,
        `edge-lb: Cannot reach edge-lb: permission denied on ${lab.control.path} (CONTROL_FAILED); run with sudo\n`,
      ]);
    } finally {
      await lab.stop();
    }
  });

  test("has to be where it was asked for: exit 1", async () => {
    const { code, err } = await runEdgeLb(["--cluster", "a=192.0.2.9", "--control", "/nowhere/edge-lb.sock"]);
    expect([code, err]).toEqual([1, expect.stringContaining("/nowhere/edge-lb.sock: its folder does not exist")]);
  });
});

/** Runs the program without root's rights, from a copy, since nobody may not read every checkout. */
function asNobody(args: readonly string[]): { status: number | null; stderr: string } {
  const [program = "", ...before] = edgeLbArgv();
  const copy = join(folder, "edge-lb");
  if (before.length === 0) copyFileSync(program, copy);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  return spawnSync(before.length === 0 ? copy : program, [...before, ...args], {
    ...nobody,
    timeout: 20_000,
    encoding: "utf8",
  });
}

describe("SIGTERM", () => {
  test("does not wait for a client that only keeps its connection", async () => {
    const lab = await start();
    const socket = net.connect({ port: lab.http, host: "127.0.0.1" });
    socket.write(`GET /version HTTP/1.1\r\nHost: ${HUB}\r\n\r\n`);
    await once(socket, "data");
    const closed = once(socket, "close");
    const from = performance.now();
    lab.edge.signal("SIGTERM");
    await closed;
    expect(await lab.edge.exit(5_000)).toBe(0);
    expect(performance.now() - from).toBeLessThan(4_000);
  });

  test("waits for a tunnel, shows itself as stopping, and a second signal ends it", async () => {
    const lab = await start();
    const tunnel = await openTunnel(lab.http, HUB);
    lab.edge.signal("SIGTERM");
    await lab.edge.logged(/stopping: 1 tunnel open, Ctrl-C again to end now; cut in 30s/);
    expect((await lab.control.run("status")).out).toContain(", stopping");
    expect(await tunnel.echo("still here")).toBe("still here");
    lab.edge.signal("SIGINT");
    expect(await lab.edge.exit(3_000)).toBe(0);
    await tunnel.closed;
    expect(existsSync(lab.control.path)).toBe(false);
  });
});

describe("ttl and until", () => {
  test("a cluster leaves when its time is over, no reload brings it back, add does", async () => {
    const running = await start();
    try {
      const added = await running.control.run("add", `more=${BLOCK}.30,${nodePorts},domain=more.lab,ttl=4s`);
      expect(added.code).toBe(0);
      const expiresAt = async () => {
        const { clusters } = await running.control.status();
        return clusters.find(({ name }) => name === "more")?.expiresAt ?? null;
      };
      expect(Date.parse((await expiresAt()) ?? "")).toBeGreaterThan(Date.now());
      await running.edge.logged(/cluster expired: more \(ttl 4s\), its tunnels get 30s/);
      expect(await running.whoServes("x.apps.more.lab")).toBeNull();
      expect((await running.control.run("reload")).code).toBe(0);
      expect(await running.whoServes("x.apps.more.lab")).toBeNull();
      expect((await running.control.run("add", `more=${BLOCK}.30,${nodePorts},domain=more.lab,ttl=1h`)).code).toBe(0);
      expect(await running.whoServes("x.apps.more.lab")).toBe("more");
    } finally {
      await running.stop();
    }
  }, 60_000);

  test("a file's cluster leaves at its time, and what is in the file of it is refused where it cannot count", async () => {
    const running = await start();
    try {
      const text = readFileSync(running.file, "utf8");
      const until = new Date(Date.now() + 4_000).toISOString().replace(/\.\d+Z/, "Z");
      writeFileSync(running.file, text.replace(`${nodePorts}"`, `${nodePorts},until=${until}"`));
      expect((await running.control.run("reload")).code).toBe(0);
      await running.edge.logged(
        /cluster expired: hub \(until .*\), its tunnels get 30s; edge-lb add hub brings it back/,
      );
      expect((await running.control.run("reload")).code).toBe(0);
      expect(await running.whoServes("x.apps.hub.lab")).toBeNull();
      writeFileSync(running.file, text.replace(`${nodePorts}"`, `${nodePorts},ttl=4h"`));
      const { code, err } = await runEdgeLb(["check", "--config", running.file]);
      expect([code, err]).toEqual([2, expect.stringContaining('Cannot use ttl of cluster "hub" in a file')]);
    } finally {
      await running.stop();
    }
  }, 60_000);
});
