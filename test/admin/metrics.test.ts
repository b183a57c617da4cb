import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { FAMILIES } from "../../src/admin/families.ts";
import { createMetrics } from "../../src/admin/metrics.ts";
import { boardWriter, openBoard } from "../../src/seam/board.ts";
import { sampleStatus } from "./status-sample.ts";
import { SERVICES } from "../../src/seam/services.ts";
import { at } from "../support/built-in.ts";
import { program } from "../../scripts/lab/programs.ts";

async function scrape(): Promise<string> {
  const board = openBoard(1);
  const writer = boardWriter(board, 0);
  writer.tally(at("api"), "node closed", 0.4, 50);
  writer.tally(at("api"), "node closed", 2, 5_000_000_000);
  return createMetrics(() => sampleStatus(), board, SERVICES).text();
}

describe("createMetrics()", () => {
  test.each([
    'edge_lb_build_info{version="0.1.0",engine="linux",workers="2"} 1',
    "edge_lb_client_connections 1",
    "edge_lb_client_connections_total 45",
    "edge_lb_client_connections_by_address_total 0",
    'edge_lb_client_connections_failed_total{reason="unknown_name"} 3',
    'edge_lb_client_connections_failed_total{reason="client_gone"} 2',
    'edge_lb_endpoint_up{cluster="hub",pool="api",node="192.168.125.20",address="192.168.125.20:6443"} 1',
    'edge_lb_endpoint_up{cluster="hub",pool="api",node="worker-1.lab",address="[fd00::21]:6443"} 0',
    'edge_lb_endpoint_state{cluster="hub",pool="api",node="worker-1.lab",address="[fd00::21]:6443",state="dead"} 1',
    'edge_lb_endpoint_bytes_total{cluster="hub",pool="api",node="192.168.125.20",address="192.168.125.20:6443",direction="down"} 20000',
    'edge_lb_endpoint_dial_failures_total{cluster="hub",pool="api",node="worker-1.lab",address="[fd00::21]:6443"} 3',
    'edge_lb_certificate_expiry_timestamp_seconds{cluster="hub",family="api"} 1798070400',
    'edge_lb_ends_total{listener="api",reason="node closed"} 2',
    'edge_lb_dial_duration_seconds_bucket{listener="api",le="0.0005"} 1',
    'edge_lb_dial_duration_seconds_bucket{listener="api",le="0.0025"} 2',
    'edge_lb_dial_duration_seconds_bucket{listener="api",le="+Inf"} 2',
    'edge_lb_dial_duration_seconds_sum{listener="api"} 0.0024',
    'edge_lb_duration_seconds_bucket{listener="api",le="86400"} 1',
    'edge_lb_duration_seconds_count{listener="api"} 2',
    'edge_lb_endpoint_member{cluster="hub",pool="api",node="worker-1.lab",address="[fd00::21]:6443"} 1',
    'edge_lb_reloads_total{result="failed"} 1',
    'edge_lb_probes_total{result="passed"} 100',
    "edge_lb_log_lines_lost_total 5",
    'edge_lb_cluster_state{cluster="hub",state="up"} 1',
    'edge_lb_cluster_state{cluster="hub",state="down"} 0',
    'edge_lb_cluster_state{cluster="hub",state="asleep"} 0',
  ])("has %s", async (line) => expect((await scrape()).split("\n")).toContain(line));

  test("tells the process' own numbers", async () => {
    const text = await scrape();
    expect(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(1e6);
    expect(Number(/^process_cpu_seconds_total ([\d.]+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
  });

  test("reads everything anew at every scrape", async () => {
    let open = 1;
    const status = sampleStatus();
    const metrics = createMetrics(
      () => ({ ...status, connections: { ...status.connections, open } }),
      openBoard(1),
      SERVICES,
    );
    expect(await metrics.text()).toContain("edge_lb_client_connections 1\n");
    open = 2;
    expect(await metrics.text()).toContain("edge_lb_client_connections 2\n");
  });

  test("names no metric twice, counters end in _total, and each has a help", () => {
    const names = FAMILIES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type, help } of FAMILIES) {
      expect(name.endsWith("_total")).toBe(type === "counter");
      expect(help).not.toBe("");
    }
  });

  test("passes promtool's own check", async () => {
    const { status, stdout, stderr } = spawnSync(program("promtool"), ["check", "metrics"], {
      input: await scrape(),
      encoding: "utf8",
    });
    expect([status, stdout, stderr]).toEqual([0, "", ""]);
  });
});
