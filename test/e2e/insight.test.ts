/** What people and programs see of a running edge-lb: the live view in a terminal, metrics in a Prometheus, CSV in its exporter. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program } from "../../scripts/lab/programs.ts";
import type { Status } from "../../src/control/status/report.ts";
import { until } from "../../scripts/lab/small-lab.ts";
import { withScreen } from "../support/screen.ts";

let folder: string;
let lab: Lab;
let admin: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-insight-"));
  const probing = ["--interval", "200ms", "--fall", "1"];
  [admin = 0] = await freePorts(1);
  const doors = ["--control", join(folder, "control"), "--admin", `127.0.0.1:${admin}`];
  lab = await startLab({ block: "127.92.0", args: [...doors, ...probing] });
  await lab.edge.logged(/managed2/);
});
afterAll(async () => {
  await lab?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// oxlint-disable-next-line no-control-regex -- what a terminal is sent begins with ESC
const GREEN = /\u001b\[[\d;]*32m/;

describe("a cluster's state (13 C3)", () => {
  /** What status, metrics and page say of hub, each once. */
  async function said(): Promise<readonly string[]> {
    const at = `http://127.0.0.1:${admin}`;
    const [status, metrics, page] = await Promise.all(
      ["/v1/status", "/metrics", "/"].map(async (path) => (await fetch(at + path)).text()),
    );
    const clusters = (JSON.parse(status ?? "") as Status).clusters;
    return [
      clusters.find(({ name }) => name === "hub")?.state ?? "",
      /^edge_lb_cluster_state\{cluster="hub",state="(\w+)"\} 1$/m.exec(metrics ?? "")?.[1] ?? "",
      /id="c-hub" data-level="(\w+)"/.exec(page ?? "")?.[1] ?? "",
    ];
  }

  test("is degraded with 2 of 3 ingress nodes, down with none, up again, and everybody says so", async () => {
    const routers = lab.clusters.hub.nodes.filter(({ ip }) => /\.2[345]$/.test(ip));
    expect(routers.length).toBe(3);
    const becomes = (state: string): Promise<void> =>
      until(`everybody says ${state}`, async () => (await said()).every((each) => each === state));
    await becomes("up");
    await routers[0]?.behave("refused");
    await becomes("degraded");
    for (const router of routers.slice(1)) await router.behave("refused");
    await becomes("down");
    for (const router of routers) await router.behave("healthy");
    await becomes("up");
  });
});

describe("status --watch", () => {
  const line = (...before: readonly string[]): string =>
    [...before, ...edgeLbArgv(), "status", "--watch", "--control", join(folder, "control")].join(" ");

  test("shows the lab at 80x24, follows it, its keys and the terminal's size, and leaves the terminal as it was", () =>
    withScreen(line("echo before; env -u NO_COLOR"), async (screen) => {
      const first = await screen.shows(/managed2.*\n(?:.*\n)* {2}127\.92\.0\.42 .* up /);
      expect(first.trimEnd().split("\n").length).toBe(24);
      expect(first).not.toContain("before");
      expect(await screen.coloured()).toMatch(GREEN);
      if (process.env["EDGE_LB_CAPTURE"] !== undefined) await Bun.write(process.env["EDGE_LB_CAPTURE"], first);

      await lab.clusters.managed1.nodes[0]?.behave("refused");
      await screen.shows(/! 127\.92\.0\.30 .* dead /);
      await screen.keys("s");
      expect(await screen.shows(/sort: state/)).toMatch(/TOTAL.*\nmanaged1 .*\n! 127\.92\.0\.30 /);
      await lab.clusters.managed1.nodes[0]?.behave("healthy");

      await screen.keys("/", "h", "u", "b", "Enter");
      expect(await screen.shows(/filter: hub/)).not.toContain("managed");
      await screen.resize(120, 12);
      await screen.shows(/^(?:.*\n){11}s sort: .*filter: hub/);
      await screen.keys("q");
      expect(await screen.shows(/before/)).not.toContain("q quit");
    }));

  test("counts names that nobody serves, without colour where that is wanted", () =>
    withScreen(line("env NO_COLOR=1"), async (screen) => {
      const url = `http://stranger.example:${lab.ports.http}/`;
      await command(["curl", "--silent", "--resolve", `stranger.example:${lab.ports.http}:127.0.0.1`, url]);
      await screen.shows(/stranger\.example +http +1 /);
      expect(await screen.coloured()).not.toMatch(GREEN);
      await screen.keys("C-c");
      await screen.shows(/^(?:(?!q quit)[^])*$/);
    }));
});

/** Runs a program while `use` does. */
async function beside([name, ...args]: readonly [string, ...string[]], use: () => Promise<void>): Promise<void> {
  const child = Bun.spawn([program(name), ...args], { stdio: ["ignore", "ignore", "ignore"] });
  try {
    await use();
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

/** What the page says once `enough` is true of it. */
async function awaited(url: string, enough: (text: string) => boolean): Promise<string> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    const text = await fetch(url).then(
      (answer) => answer.text(),
      (error: unknown) => String(error),
    );
    if (enough(text)) return text;
    if (performance.now() > endMs) throw new Error(`Waited too long for ${url}:\n${text.slice(0, 3_000)}`);
    await Bun.sleep(100);
  }
}

/** The rules as they are, but for how long they wait. */
function impatientRules(): string {
  const rules = readFileSync(new URL("../../.github/monitoring/alerts.yaml", import.meta.url), "utf8");
  return rules.replaceAll(/^( +for:) .*$/gm, "$1 1s");
}

function prometheusConfig(): string {
  return JSON.stringify({
    global: { scrape_interval: "500ms", scrape_timeout: "400ms", evaluation_interval: "500ms" },
    rule_files: [join(folder, "alerts.yaml")],
    scrape_configs: [{ job_name: "edge-lb", static_configs: [{ targets: [`127.0.0.1:${admin}`] }] }],
  });
}

describe("a Prometheus", () => {
  test("scrapes edge-lb, fires the alert of a node that goes down, and ends it when the node is back", async () => {
    const [port = 0] = await freePorts(1);
    writeFileSync(join(folder, "alerts.yaml"), impatientRules());
    writeFileSync(join(folder, "prometheus.yaml"), prometheusConfig());
    const flags = [`--config.file=${join(folder, "prometheus.yaml")}`, `--storage.tsdb.path=${join(folder, "tsdb")}`];
    await beside(["prometheus", ...flags, `--web.listen-address=127.0.0.1:${port}`], async () => {
      const ask = (path: string, enough: (text: string) => boolean): Promise<string> =>
        awaited(`http://127.0.0.1:${port}/api/v1/${path}`, enough);
      const up = `query?query=${encodeURIComponent("sum by (cluster) (edge_lb_endpoint_up)")}`;
      // 3 + 6 of hub, whose roles have nodes of their own; 3 nodes with 3 ports of the others
      await ask(up, (text) => (text.match(/"9"/g) ?? []).length === 3);
      const [node] = lab.clusters.managed2.nodes;
      await node?.behave("refused");
      const firing =
        /"alertname":"EdgeLbNodeDown","cluster":"managed2"[^}]*"node":"127\.92\.0\.40"[^{]*\{[^}]*\},"state":"firing"/;
      const alerts = await ask("alerts", (text) => firing.test(text));
      expect(alerts).toContain("managed2: node 127.92.0.40 is down");
      expect(alerts).not.toContain("EdgeLbNoUsableNode");
      await node?.behave("healthy");
      await ask("alerts", (text) => !text.includes("EdgeLbNodeDown"));
    });
  }, 90_000);

  test("finds nothing to object to in the metrics", async () => {
    const metrics = await awaited(`http://127.0.0.1:${admin}/metrics`, (text) => text.includes("edge_lb_endpoint_up"));
    expect(await command(["promtool", "check", "metrics"], { input: metrics })).toEqual({ code: 0, out: "", err: "" });
  });
});

describe("prometheus-haproxy-exporter", () => {
  test("reads the CSV of a running edge-lb", async () => {
    const [port = 0] = await freePorts(1);
    const from = `--haproxy.scrape-uri=http://127.0.0.1:${admin}/haproxy?stats;csv`;
    await beside(["prometheus-haproxy-exporter", from, `--web.listen-address=127.0.0.1:${port}`], async () => {
      const up = 'haproxy_server_up{backend="api_hub",server="127.92.0.20"} 1';
      const metrics = await awaited(`http://127.0.0.1:${port}/metrics`, (text) => text.includes(up));
      expect(metrics).toContain("\nhaproxy_up 1\n");
      expect(metrics).toContain("\nhaproxy_exporter_csv_parse_failures_total 0\n");
      expect(metrics.match(/^haproxy_server_up\{/gm)?.length).toBe(27);
    });
  });
});
