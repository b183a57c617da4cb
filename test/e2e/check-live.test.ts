/** `edge-lb check --live` on this machine, before toy clusters. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

let folder: string;
let lab: Lab;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-check-"));
  lab = await startLab({ block: "127.93.0", args: ["--control", join(folder, "control")] });
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const check = (...args: readonly string[]) => runEdgeLb(["check", "--live", "--admin", "off", ...args]);

describe("check --live", () => {
  test("of the edge-lb that runs: its ports are its own, its nodes have their roles, its names are not in DNS", async () => {
    const { code, out, err } = await check(...lab.args, "--control", join(folder, "control"));
    expect([code, err]).toEqual([1, ""]);
    for (const [kind, port] of Object.entries(lab.ports)) {
      expect(out).toContain(`  ok    ${kind} 127.0.0.1:${port}: held by the edge-lb that runs (pid ${lab.edge.pid})\n`);
    }
    expect(out).toMatch(
      /cluster hub\n {2}ok {4}api \(port \d+\): 3 of 3 up: 127\.93\.0\.20, \.21, \.22: \/readyz 200\n/,
    );
    expect(out).toMatch(/ {2}ok {4}https \(port \d+\): 3 of 3 up: 127\.93\.0\.23, \.24, \.25: \/healthz\/ready 200\n/);
    expect(out).toContain("  fail  api.hub-cluster.linuxera.lab: does not resolve\n");
    expect(out).toContain("edge-lb dns --for 127.0.0.1 --format dnsmasq --cluster hub=127.93.0.20-22,");
  });

  test("finds nodes that are down, a port that is taken, a foreign node and a certificate that has expired", async () => {
    const { hub, managed1, managed2 } = lab.clusters;
    const [port = 0] = await freePorts(1);
    const squatter = net.createServer().listen(port, "127.0.0.1");
    await hub.nodes[0]?.present({ api: managed1.certificates.api });
    await managed1.nodes[1]?.behave("refused");
    const old = await managed1.authority.issue({ names: ["*.apps.managed1.linuxera.lab"], days: -1 });
    for (const node of managed1.nodes) await node.present({ https: old });
    for (const node of managed2.nodes) await node.behave("refused");
    const args = lab.args.map((arg) => (arg.startsWith("https=") ? `https=127.0.0.1:${port}` : arg));
    const { code, out } = await check(...args, "--control", join(folder, "control"));
    squatter.close();
    expect(code).toBe(1);
    expect(out).toMatch(new RegExp(`  fail  https 127\\.0\\.0\\.1:${port}: held by \\S+ \\(pid ${process.pid}\\b`));
    expect(out).toContain("  fail  127.93.0.20 shows managed1's api certificate");
    expect(out).toContain("  warn  127.93.0.31 serves nothing: connection refused\n          curl -kv ");
    expect(out).toMatch(/ {2}fail {2}ingress certificate expired on \d{4}-\d\d-\d\d \(127\.93\.0\.3\d\)/);
    expect(out).toContain("  fail  none of its 3 nodes answers: connection refused; is managed2 switched off?");
  });
});
