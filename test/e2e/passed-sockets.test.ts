/** Listening sockets that systemd passes: by systemd-socket-activate, which does what a socket unit does. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlAt } from "../../scripts/lab/control.ts";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { type EdgeLb, edgeLbArgv, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program as pathOf } from "../../scripts/lab/programs.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

const program = process.env["EDGE_LB_PROGRAM"] ?? "source";
const engines = program === "source" || program === "binary" ? ["linux", "bun", "node"] : ["node"];
const folder = mkdtempSync(join(tmpdir(), "edge-lb-passed-"));
let hub: ToyCluster;
let node = 0;
let ports: readonly number[] = [];

beforeAll(async () => {
  [node = 0, ...ports] = await freePorts(7);
  hub = await startToyCluster({ name: "hub", domain: "hub.lab", ips: ["127.78.0.20"], ports: { api: node } });
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** @param sockets Name and address of each. */
function activated(sockets: readonly (readonly [string, string])[]): readonly string[] {
  const listens = sockets.flatMap(([, at]) => ["-l", at]);
  const names = sockets.map(([name]) => name).join(":");
  return [pathOf("systemd-socket-activate"), ...listens, `--fdname=${names}`, ...edgeLbArgv()];
}

const cluster = (): readonly string[] => [
  "--cluster",
  `hub=127.78.0.20,domain=hub.lab,api-port=${node},rke2-port=${node},check=off`,
];

/** The program starts when somebody connects. */
async function wake(port: number): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    const socket = net.connect(port, "127.0.0.1");
    const connected = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected === true) return;
    await Bun.sleep(25);
  }
  throw new Error(`Nobody listens at port ${port}`);
}

function version(port: number): Promise<CommandResult> {
  const name = `api.hub.lab:${port}`;
  return command(["curl", "--silent", "--insecure", "--resolve", `${name}:127.0.0.1`, `https://${name}/version`]);
}

describe.each(engines)("LISTEN_FDS on engine %s", (engine) => {
  let edge: EdgeLb;
  let sink = "";
  const [one, two, rke2, admin] = [() => ports[0] ?? 0, () => ports[1] ?? 0, () => ports[2] ?? 0, () => ports[3] ?? 0];

  beforeAll(async () => {
    sink = join(folder, `${engine}.sock`);
    const sockets = [
      ["api", `127.0.0.1:${one()}`],
      ["api", `127.0.0.1:${two()}`],
      ["rke2", `127.0.0.1:${rke2()}`],
      ["admin", `127.0.0.1:${admin()}`],
      ["control", sink],
    ] as const;
    const flags = "--listen api=127.0.0.1:1 --listen https=off --listen http=off --listen rke2=127.0.0.1:2";
    const workers = program === "node" || program === "deno" ? "1" : "2";
    const args = [...cluster(), ...flags.split(" "), "--engine", engine, "--workers", workers];
    const started = startEdgeLb(args, { argv: activated(sockets) });
    await wake(one());
    edge = await started;
  }, 30_000);
  afterAll(() => edge?.stop());

  test("gives services, admin and control their sockets, and the ready line shows them", async () => {
    expect(edge.ready).toMatchObject({
      engine,
      api: `127.0.0.1:${one()},127.0.0.1:${two()}`,
      rke2: `127.0.0.1:${rke2()}`,
      admin: `127.0.0.1:${admin()}`,
      control: sink,
    });
    for (const port of [one(), two(), rke2()])
      for (let round = 0; round < 4; round++) expect(JSON.parse((await version(port)).out).cluster).toBe("hub");
    const page = await fetch(`http://127.0.0.1:${admin()}/v1/status`);
    expect(await page.json()).toMatchObject({ engine });
    const status = await command([...edgeLbArgv(), "status", "--control", sink]);
    expect(status).toMatchObject({ code: 0 });
    expect(status.out).toContain("hub");
    expect(edge.logs()).toContain(`${sink} is open to others (mode 0`);
  });

  test("a reload changes nothing of them", async () => {
    const reload = await command([...edgeLbArgv(), "rm", "hub", "--undo", "--control", sink]);
    expect(reload.err + reload.out).not.toContain("restart");
    expect(JSON.parse((await version(one())).out).cluster).toBe("hub");
  });

  test("leaves the control socket's path at its end", async () => {
    await edge.stop();
    expect(existsSync(sink)).toBe(true);
  });
});

const upgradable = engines.filter((engine) => engine === "linux");
test.each(upgradable)(
  "an upgrade on engine %s hands them on, and the old one lets go of all of them",
  async () => {
    const [api = 0, admin = 0] = await freePorts(2);
    const path = join(folder, "upgraded.sock");
    const sockets = [
      ["api", `127.0.0.1:${api}`],
      ["admin", `127.0.0.1:${admin}`],
      ["control", path],
    ] as const;
    const flags = "--listen https=off --listen http=off --listen rke2=127.0.0.1:0 --engine linux";
    const started = startEdgeLb([...cluster(), ...flags.split(" ")], { argv: activated(sockets) });
    await wake(api);
    const edge = await started;
    const control = controlAt(path);
    const { pid: first } = await control.status();
    for (let round = 0; round < 2; round++) {
      const { code, err } = await control.run("upgrade");
      expect({ code, err }).toEqual({ code: 0, err: "" });
    }
    expect(await edge.exit(20_000)).toBe(0);
    const { pid, listeners } = await control.status();
    expect(pid).not.toBe(first);
    expect(listeners.find(({ kind }) => kind === "api")?.address).toBe(`127.0.0.1:${api}`);
    expect(JSON.parse((await version(api)).out).cluster).toBe("hub");
    for (let round = 0; round < 4; round++) {
      const page = await fetch(`http://127.0.0.1:${admin}/v1/status`, { keepalive: false });
      expect(await page.json()).toMatchObject({ pid });
    }
    process.kill(pid, "SIGTERM");
    process.kill(pid, "SIGINT");
    for (let tries = 0; existsSync(`/proc/${pid}`) && tries < 400; tries++) await Bun.sleep(50);
    expect(existsSync(path)).toBe(true);
  },
  60_000,
);

describe("a descriptor that fits nothing", () => {
  test.each([
    [
      "shop",
      `127.0.0.1:`,
      /Cannot use descriptor 3: it is called "shop", one of api, https, http, mcs, admin, control wanted/,
    ],
    ["control", `127.0.0.1:`, /Cannot use descriptor 3: it is no unix socket that listens/],
    ["api", "unix", /Cannot use descriptor 3: it is no TCP socket that listens, api wants one/],
    ["mcs", "0.0.0.0:", /Cannot use descriptor 3: mcs at 0\.0\.0\.0:\d+ can be reached from outside/],
  ])("called %s at %s is a mistake", async (name, at, words) => {
    const port = ports[5] ?? 0;
    const path = join(folder, `${name}.sock`);
    const argv = [...activated([[name, at === "unix" ? path : `${at}${port}`]]), ...cluster()];
    const ended = command(argv);
    if (at === "unix") await wakePath(path);
    else await wake(port);
    const { code, err } = await ended;
    expect(code).toBe(2);
    expect(err).toMatch(words);
  });

  test("is none of ours where LISTEN_PID is another process", async () => {
    const [api = 0] = await freePorts(1);
    const env = { LISTEN_PID: "1", LISTEN_FDS: "1", LISTEN_FDNAMES: "shop" };
    const flags = `--listen api=127.0.0.1:${api} --listen rke2=127.0.0.1:0 --listen https=off --listen http=off`;
    const edge = await startEdgeLb([...cluster(), ...flags.split(" ")], { env });
    await edge.stop();
  });
});

async function wakePath(path: string): Promise<void> {
  for (let tries = 0; tries < 400 && !existsSync(path); tries++) await Bun.sleep(25);
  net.connect(path).on("error", () => {});
}
