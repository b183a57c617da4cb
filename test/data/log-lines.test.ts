import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import type { AccessRecord } from "../../src/data/access-log.ts";
import { haproxyFormat } from "../../src/data/log-haproxy.ts";
import { jsonLine, printable, textLine } from "../../src/data/log-lines.ts";
import { boardWriter, openBoard } from "../../src/seam/board.ts";
import { program } from "../../scripts/lab/programs.ts";

const WALL_MS = Date.UTC(2026, 10, 3, 4, 5, 6, 789);
const TUNNEL: AccessRecord = {
  listener: "https",
  client: { ip: "10.0.0.9", port: 51_234 },
  name: "console.apps.hub.lab",
  cluster: "hub",
  node: "192.168.125.23:443",
  up: 517,
  down: 4_096,
  dialMs: 1.26,
  totalMs: 53.04,
  end: "node closed",
  note: null,
  http: null,
  cells: { cluster: 1, pool: 2, endpoint: 3 },
  attempts: 1,
};
const REQUEST: AccessRecord = {
  ...TUNNEL,
  listener: "http",
  end: "done",
  http: { method: "GET", target: "/a?b", status: 200, answerMs: 7 },
};
const UNKNOWN: AccessRecord = {
  ...TUNNEL,
  listener: "api",
  name: "api.evil.com",
  cluster: null,
  node: null,
  up: 0,
  down: 0,
  dialMs: null,
  totalMs: 2,
  end: "unknown name",
  note: "nearest known: api.hub.lab",
  cells: null,
  attempts: 0,
};

describe("textLine()", () => {
  test.each([
    [
      TUNNEL,
      "https console.apps.hub.lab 10.0.0.9:51234 > hub 192.168.125.23:443 up=517 down=4096 dial=1.3ms total=53ms node closed",
    ],
    [
      REQUEST,
      'http console.apps.hub.lab 10.0.0.9:51234 > hub 192.168.125.23:443 "GET /a?b" 200 up=517 down=4096 dial=1.3ms total=53ms done',
    ],
    [
      UNKNOWN,
      "api api.evil.com 10.0.0.9:51234 > - up=0 down=0 dial=- total=2ms unknown name (nearest known: api.hub.lab)",
    ],
  ])("says it in one line", (record, want) => {
    expect(textLine(record, WALL_MS)).toBe(`2026-11-03T04:05:06.789Z ${want}`);
  });

  test("writes what could end the line or speak to a terminal as escapes", () => {
    expect(printable('a\nb\u001b[31m"é')).toBe("a\\u000ab\\u001b[31m\\u0022\\u00e9");
    expect(textLine({ ...REQUEST, name: "x\ny" }, WALL_MS)).not.toContain("\n");
  });
});

describe("jsonLine()", () => {
  test("has the same as one object", () => {
    expect(JSON.parse(jsonLine(REQUEST, WALL_MS))).toEqual({
      time: "2026-11-03T04:05:06.789Z",
      event: "access",
      listener: "http",
      client: "10.0.0.9:51234",
      name: "console.apps.hub.lab",
      cluster: "hub",
      node: "192.168.125.23:443",
      bytesUp: 517,
      bytesDown: 4_096,
      dialMs: 1.3,
      totalMs: 53,
      end: "done",
      method: "GET",
      target: "/a?b",
      status: 200,
      answerMs: 7,
    });
  });
});

describe("haproxyFormat()", () => {
  const board = openBoard(1);
  const writer = boardWriter(board, 0);
  writer.addCount("open", 3);
  writer.addActive(2, 2);
  writer.addActive(3, 1);
  const line = haproxyFormat(board);

  test.each([
    [
      "a tunnel",
      TUNNEL,
      "10.0.0.9:51234 [03/Nov/2026:04:05:06.735] https https_hub/192.168.125.23:443 0/1/53 4096 -- 3/3/2/1/0 0/0 {console.apps.hub.lab}",
    ],
    [
      "a request",
      REQUEST,
      '10.0.0.9:51234 [03/Nov/2026:04:05:06.735] http http_hub/192.168.125.23:443 0/0/1/7/53 200 4096 - - ---- 3/3/2/1/0 0/0 {console.apps.hub.lab} "GET /a?b HTTP/1.1"',
    ],
    [
      "an unknown name",
      UNKNOWN,
      "10.0.0.9:51234 [03/Nov/2026:04:05:06.787] api api/<NOSRV> -1/-1/2 0 SC 3/3/0/0/0 0/0 {api.evil.com}",
    ],
    [
      "a node that died",
      { ...TUNNEL, end: "cut: node down", attempts: 3 },
      "10.0.0.9:51234 [03/Nov/2026:04:05:06.735] https https_hub/192.168.125.23:443 0/1/53 4096 DD 3/3/2/1/2 0/0 {console.apps.hub.lab}",
    ],
    [
      "a bad request",
      {
        ...UNKNOWN,
        listener: "http",
        name: null,
        end: "bad request",
        http: { method: "-", target: "-", status: 400, answerMs: null },
      },
      '10.0.0.9:51234 [03/Nov/2026:04:05:06.787] http http/<NOSRV> 0/-1/-1/-1/2 400 0 - - PR-- 3/3/0/0/0 0/0 "<BADREQ>"',
    ],
  ] as [string, AccessRecord, string][])("writes %s as HAProxy would", (_, record, want) => {
    expect(line(record, WALL_MS)).toBe(want);
  });

  test("is read by halog, HAProxy's own analyser of HTTP logs", () => {
    const halog = (flag: string, ...records: readonly AccessRecord[]): string => {
      const input = records.map((record) => `Nov  3 04:05:06 hv edge-lb[7]: ${line(record, WALL_MS)}\n`).join("");
      const { stdout, stderr } = spawnSync(program("halog"), [flag], { input, encoding: "utf8" });
      return stdout + stderr;
    };
    const byServer = halog("-srv", REQUEST, REQUEST);
    expect(byServer).toContain("http_hub/192.168.125.23:443 0 2 0 0 0 0 2 2 100.0 1 7\n");
    expect(byServer).toContain("2 lines in, 1 lines out, 0 parsing errors");
    const byCode = halog("-tc", REQUEST, { ...REQUEST, end: "bad answer" }, { ...REQUEST, end: "head timeout" });
    expect(byCode).toBe("-- 1\nPH 1\ncR 1\n3 lines in, 3 lines out, 0 parsing errors\n");
  });
});
