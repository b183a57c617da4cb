/** root's edge-lb becomes another user once it listens. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlAt } from "../../scripts/lab/control.ts";
import { runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

const BLOCK = "127.94.0";
let folder: string;
let file: string;
let hub: ToyCluster;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-user-"));
  chmodSync(folder, 0o755);
  const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
  hub = await startToyCluster({
    name: "hub",
    domain: "hub.lab",
    ips: [`${BLOCK}.20`],
    ports: { api, https, http, ready },
  });
  file = join(folder, "lab.yaml");
  const ports = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  const listen = `listen: { api: "${BLOCK}.1:643", https: "${BLOCK}.1:443", http: "${BLOCK}.1:80" }`;
  writeFileSync(file, `${listen}\ndomain: lab\nclusters: { hub: "${BLOCK}.20,${ports}" }\n`);
});
afterAll(async () => {
  await hub?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const UID = process.getuid?.() ?? -1;

describe("--user", () => {
  test("serves low ports as that user, in every thread, also after a reload", async () => {
    expect(UID).toBe(0);
    const control = join(folder, "c");
    const edge = await startEdgeLb(["-c", file, "--control", control, "--user", "nobody"]);
    try {
      expect(edge.ready["user"]).toBe("nobody");
      const statuses = readdirSync(`/proc/${edge.pid}/task`).map((task) =>
        readFileSync(`/proc/${edge.pid}/task/${task}/status`, "utf8"),
      );
      expect(statuses.length).toBeGreaterThan(2);
      for (const status of statuses) {
        expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
        expect(status).toMatch(/^CapEff:\t0{13}[04]00$/m); // to bind low ports, or nothing
      }
      const served = async (): Promise<number> =>
        (await fetch(`http://${BLOCK}.1/version`, { headers: { host: "a.apps.hub.lab" }, keepalive: false })).status;
      expect(await served()).toBe(200);
      writeFileSync(file, `${readFileSync(file, "utf8")}rise: 1\n`);
      expect(await controlAt(control).ask("POST", "reload")).toMatchObject({ ok: true });
      expect(await served()).toBe(200);
    } finally {
      await edge.stop();
    }
  }, 60_000);

  test("is upgraded as that user, with its low ports, and its control socket in a folder of root's", async () => {
    const path = join(folder, "root-only");
    mkdirSync(path, { mode: 0o755 });
    const control = controlAt(join(path, "c"));
    const args = ["-c", file, "--user", "nobody", "--dns", `${BLOCK}.1:53`];
    const edge = await startEdgeLb([...args, "--control", control.path]);
    const pids = [edge.pid];
    try {
      for (let round = 0; round < 2; round++) {
        const { code, err } = await control.run("upgrade");
        expect({ code, err }).toEqual({ code: 0, err: "" });
        const { pid, dns } = await control.status();
        pids.push(pid);
        expect(dns?.listening).toEqual([`${BLOCK}.1:53`]);
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
        expect(status).toMatch(/^CapEff:\t0{13}400$/m);
        const served = await fetch(`http://${BLOCK}.1/version`, {
          headers: { host: "a.apps.hub.lab" },
          keepalive: false,
        });
        expect(served.status).toBe(200);
      }
      expect(new Set(pids).size).toBe(3);
      expect(await edge.exit(20_000)).toBe(0);
    } finally {
      const last = pids.at(-1) ?? edge.pid;
      if (last === edge.pid) await edge.stop();
      else for (const signal of ["SIGTERM", "SIGINT"] as const) process.kill(last, signal);
    }
  }, 60_000);

  test("says that it stays root, and why it cannot be who was asked for", async () => {
    const edge = await startEdgeLb(["-c", file]);
    expect(edge.ready["user"]).toBe(readFileSync("/etc/passwd", "utf8").includes("\nedge-lb:") ? "edge-lb" : "root");
    await edge.stop();
    const secret = join(folder, "secret.yaml");
    writeFileSync(secret, readFileSync(file), { mode: 0o600 });
    for (const [args, why] of [
      [["--user", "no-such-user"], "there is no such user in /etc/passwd"],
      [["--user", "nobody", "-c", secret], `it cannot read ${secret}, which a reload needs`],
      [["--user", "nobody", "--engine", "node"], "engine linux or bun is wanted for that"],
    ] as const) {
      const { code, err } = await runEdgeLb(["-c", file, ...args, "--admin", "off", "--control", "off"]);
      expect([code, err]).toEqual([
        2,
        expect.stringContaining(`--user ${args[1]}: Cannot run as user "${args[1]}": ${why}`),
      ]);
    }
  }, 60_000);
});
