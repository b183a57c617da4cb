/** Real programs through upgrades: a watch of kubectl and a WebSocket. EDGE_LB_UPGRADES says how many, three if it does not. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { controlAt } from "../../scripts/lab/control.ts";
import { startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program } from "../../scripts/lab/programs.ts";
import { startWatchApi, type WatchApi } from "../support/watch-api.ts";
import { until } from "../support/upgrade-lab.ts";

const NODE = "127.61.2.20";
const UPGRADES = Number(process.env["EDGE_LB_UPGRADES"] ?? 3);

let folder: string;
let api: WatchApi;
let nodePorts: { readonly api: number; readonly http: number };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-programs-"));
  const [one = 0, two = 0] = await freePorts(2);
  nodePorts = { api: one, http: two };
  api = await startWatchApi(NODE, nodePorts, "api.hub.lab");
  writeFileSync(join(folder, "ca.pem"), api.ca);
});
afterAll(() => {
  api.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** @returns what kubectl has printed so far */
function watch(port: number): { text(): string; stop(): Promise<void> } {
  const server = ["--server", `https://127.0.0.1:${port}`, "--tls-server-name", "api.hub.lab", "--token", "toy"];
  const trust = ["--certificate-authority", join(folder, "ca.pem")];
  const what = ["get", "configmaps", "--watch-only", "-o", 'jsonpath={.metadata.resourceVersion}{"\\n"}'];
  const child = Bun.spawn([program("kubectl"), ...server, ...trust, ...what], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, KUBECONFIG: "/dev/null", HOME: folder },
  });
  let text = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
    text += await new Response(child.stderr).text();
  })();
  return {
    text: () => text,
    async stop() {
      child.kill();
      await reading;
    },
  };
}

/** Sends numbers, each after the one before is back. */
function count(port: number): { readonly last: () => number; close(): void } {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { host: "a.apps.hub.lab" } } as never);
  let last = 0;
  socket.addEventListener("open", () => socket.send("1"));
  socket.addEventListener("message", ({ data }) => {
    if (Number(data) === last + 1) last += 1;
    setTimeout(() => socket.send(String(last + 1)), 5);
  });
  return { last: () => last, close: () => socket.close() };
}

test(
  "kubectl get --watch misses no event and a WebSocket none of its messages",
  async () => {
    const [port = 0, http = 0] = await freePorts(2);
    const control = controlAt(join(folder, "control.sock"));
    const listen = [`api=127.0.0.1:${port}`, `http=127.0.0.1:${http}`, "https=off"].flatMap((at) => ["--listen", at]);
    const cluster = `hub=${NODE},domain=hub.lab,check=off,api-port=${nodePorts.api},http-port=${nodePorts.http}`;
    const edge = await startEdgeLb([...listen, "--cluster", cluster, "--control", control.path, "--log", "json"]);
    const [seen, counted] = [watch(port), count(http)];
    let { pid } = await control.status();
    try {
      await until("both have begun", () => seen.text().includes("3\n") && counted.last() > 3);
      for (let round = 0; round < UPGRADES; round++) {
        const before = pid;
        // by the signal and by the command
        if (round === 0) process.kill(pid, "SIGUSR2");
        else expect((await control.run("upgrade")).code).toBe(0);
        await until("another one leads", async () => ({ pid } = await control.status()).pid !== before);
        const [events, messages] = [seen.text().length, counted.last()];
        await until("both go on", () => seen.text().length > events + 10 && counted.last() > messages + 5);
      }
      await seen.stop();
      counted.close();
      const versions = seen.text().trim().split("\n").map(Number);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
      const [line = ""] = await edge.logged(/^.*"target":"\/".*$/m);
      expect((JSON.parse(line) as Record<string, number>)["bytesUp"]).toBeGreaterThan(counted.last() * 4);
      expect(edge.logs().match(/"target":"\/"/g)?.length).toBe(1);
      await edge.logged(/"listener":"api"/);
    } finally {
      await seen.stop();
      for (const signal of ["SIGTERM", "SIGINT"] as const) process.kill(pid, signal);
      await until("it has ended", () => !existsSync(`/proc/${pid}`));
    }
  },
  30_000 + UPGRADES * 15_000,
);
