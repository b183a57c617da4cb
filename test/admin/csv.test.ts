import { describe, expect, test } from "bun:test";
import { COLUMNS, csvText } from "../../src/admin/csv.ts";
import type { PoolStatus } from "../../src/control/status/pool-report.ts";
import type { Status } from "../../src/control/status/report.ts";
import { sampleStatus } from "./status-sample.ts";

function rows(status: Status = sampleStatus()): readonly Record<string, string>[] {
  const [header = "", ...lines] = csvText(status).trimEnd().split("\n");
  expect(header).toBe(`# ${COLUMNS.join(",")},`);
  return lines.map((line) => {
    const cells = line.split(",");
    expect(cells.length).toBe(COLUMNS.length + 1);
    return Object.fromEntries(COLUMNS.map((column, at) => [column, cells[at] ?? ""]));
  });
}

describe("csvText()", () => {
  test("has the 128 columns of HAProxy 2.6 between # and the last comma", () => {
    expect(COLUMNS.length).toBe(128);
    expect([
      COLUMNS[0],
      COLUMNS[17],
      COLUMNS[32],
      COLUMNS[36],
      COLUMNS[COLUMNS.indexOf("agg_check_status") + 1],
    ]).toEqual(["pxname", "status", "type", "check_status", "-"]);
  });

  test("has a row for each listener, each endpoint and each pool, in HAProxy's order", () => {
    expect(rows().map(({ pxname, svname, type }) => [pxname, svname, type])).toEqual([
      ["api", "FRONTEND", "0"],
      ["https", "FRONTEND", "0"],
      ["api_hub", "192.168.125.20", "2"],
      ["api_hub", "worker-1.lab", "2"],
      ["api_hub", "BACKEND", "1"],
    ]);
  });

  test("says in HAProxy's words what is up and why not", () => {
    const [api, , up, down, pool] = rows();
    expect(api).toMatchObject({
      status: "OPEN",
      scur: "1",
      stot: "42",
      slim: "4950",
      bin: "1001",
      bout: "20002",
      mode: "tcp",
    });
    expect(up).toMatchObject({ status: "UP", check_status: "L7OK", last_chk: "/readyz 200", act: "1", lastchg: "9" });
    expect(down).toMatchObject({ status: "DOWN", check_status: "L4CON", act: "0", econ: "3", addr: "[fd00::21]:6443" });
    expect(pool).toMatchObject({ status: "UP", act: "1", weight: "1", algo: "leastconn", econ: "3" });
  });

  test("fills the columns of checks and answers (13 C5)", () => {
    const status = sampleStatus();
    const [hub] = status.clusters;
    const [pool] = hub?.pools ?? [];
    const [node] = pool?.endpoints ?? [];
    if (hub === undefined || pool === undefined || node === undefined) throw new Error("no sample");
    const answers = { "1xx": 1, "2xx": 20, "3xx": 3, "4xx": 4, "5xx": 5 };
    const checks = { failed: 7, downs: 2, downSeconds: 61, lastMs: 12.4 };
    const http: PoolStatus = {
      ...pool,
      kind: "http",
      answers,
      outages: { downs: 1, downSeconds: 9 },
      endpoints: [{ ...node, answers, checks }],
    };
    const listeners = [{ kind: "http" as const, address: ":80", connections: 0, total: 0 }];
    const [frontend, server, backend] = rows({ ...status, listeners, clusters: [{ ...hub, pools: [http] }] });
    const codes = { hrsp_1xx: "1", hrsp_2xx: "20", hrsp_3xx: "3", hrsp_4xx: "4", hrsp_5xx: "5", hrsp_other: "0" };
    for (const row of [frontend, server, backend]) expect(row).toMatchObject({ ...codes, req_tot: "33" });
    expect(server).toMatchObject({
      check_code: "200",
      check_duration: "12",
      chkfail: "7",
      chkdown: "2",
      downtime: "61",
    });
    expect(backend).toMatchObject({ chkfail: "", chkdown: "1", downtime: "9" });
    expect(rows()[2]).toMatchObject({ hrsp_2xx: "", req_tot: "", chkfail: "" });
  });

  test("quotes what would break a row", () => {
    const status = sampleStatus();
    const [hub] = status.clusters;
    const [pool] = hub?.pools ?? [];
    if (hub === undefined || pool === undefined) throw new Error("no sample");
    const [node] = pool.endpoints;
    if (node === undefined) throw new Error("no sample");
    const odd = { ...hub, pools: [{ ...pool, endpoints: [{ ...node, reason: 'a,"b"' }] }] };
    expect(csvText({ ...status, clusters: [odd] })).toContain(',"a,""b""",');
  });
});
