import { describe, expect, test } from "bun:test";
import { COLUMNS, csvText } from "../../src/admin/csv.ts";
import { sampleStatus } from "./status-sample.ts";

function rows(): readonly Record<string, string>[] {
  const [header = "", ...lines] = csvText(sampleStatus()).trimEnd().split("\n");
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
