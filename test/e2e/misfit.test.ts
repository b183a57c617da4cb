/** A mistyped name: the nodes' certificates are for another domain than the cluster's, and every place says so (13 C1). */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EdgeLb, runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

setDefaultTimeout(60_000);
const WORDS =
  "its nodes show certificates for managed2.linuxera.lab, not for manged2.linuxera.lab, so clients refuse them; " +
  "write domain=managed2.linuxera.lab";

let folder: string;
let cluster: ToyCluster;
let edge: EdgeLb;
let flags: readonly string[];
let control: readonly string[];
let admin: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-misfit-"));
  const [api = 0, https = 0, http = 0, ready = 0, ...own] = await freePorts(8);
  const domain = "managed2.linuxera.lab";
  const ip = "127.79.1.20";
  cluster = await startToyCluster({ name: "managed2", domain, ips: [ip], ports: { api, https, http, ready } });
  const listens = ["api", "https", "http"].flatMap((name, at) => ["--listen", `${name}=127.0.0.1:${own[at]}`]);
  const spec = `manged2=${ip},api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
  admin = `127.0.0.1:${own[3]}`;
  control = ["--control", join(folder, "control")];
  flags = ["--cluster", spec, "--domain", "linuxera.lab", ...listens];
  edge = await startEdgeLb([...flags, ...control, "--admin", admin]);
  await edge.logged(/warn: manged2: its nodes show certificates for managed2/);
});
afterAll(async () => {
  await edge?.stop();
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("a cluster whose nodes have certificates for another domain", () => {
  test("has the key to write in status and explain", async () => {
    expect((await runEdgeLb(["status", ...control])).out).toContain(`  warning: ${WORDS}\n`);
    const explained = await runEdgeLb(["explain", "api.manged2.linuxera.lab", ...control]);
    expect(explained.out).toContain(`  warning    ${WORDS}\n`);
  });

  test("has it on the page, and is counted in metrics", async () => {
    expect(await (await fetch(`http://${admin}/`)).text()).toContain(WORDS);
    expect(await (await fetch(`http://${admin}/metrics`)).text()).toMatch(
      /edge_lb_cluster_warnings\{cluster="manged2"\} [1-9]/,
    );
  });

  test("fails check --live", async () => {
    const { code, out } = await runEdgeLb(["check", "--live", "--admin", "off", ...flags, ...control]);
    expect(code).toBe(1);
    expect(out).toContain(`  fail  ${WORDS}\n`);
  });
});
