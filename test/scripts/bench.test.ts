/** What of the benchmark decides: templates, summaries, goals and the bytes that both ends compare. */
import { describe, expect, test } from "bun:test";
import { spentNs } from "../../scripts/bench/child.ts";
import { inOwnNetwork } from "../../scripts/bench/own-network.ts";
import { createFigures, summarize } from "../../scripts/bench/record.ts";
import { brief, judge, table } from "../../scripts/bench/report.ts";
import { render } from "../../scripts/bench/template.ts";
import { answerOf, ANSWER_BYTES, apiName, HELLO_BYTES, helloFor, nameInHello } from "../../scripts/bench/traffic.ts";
import { readClientHello } from "../../src/core/tls/client-hello.ts";

describe("render()", () => {
  test("repeats blocks, which see what is around them", () => {
    const template = "at %ip%\n@@each cluster\n%name% of %ip%\n@@each node\n  %name%/%node%\n@@end\n@@end\nend";
    const cluster = [
      { name: "a", node: [{ node: "1" }, { node: "2" }] },
      { name: "b", node: [] },
    ];
    expect(render(template, { ip: "::", cluster })).toBe("at ::\na of ::\n  a/1\n  a/2\nb of ::\nend");
  });

  test.each([
    ["%nothing%", 'no value "nothing"'],
    ["@@each nothing\n@@end", 'no list "nothing"'],
    ["@@each list", "line 1 has no @@end"],
  ])("refuses %p", (template, message) => {
    expect(() => render(template, { list: [] })).toThrow(message);
  });
});

describe("summarize()", () => {
  test.each([
    [[3, 1, 2], { median: 2, least: 1, most: 3 }],
    [[4, 1, 2, 3], { median: 2.5, least: 1, most: 4 }],
    [[], null],
  ])("of %p", (values, want) => {
    expect(summarize(values)).toEqual(want);
  });
});

describe("judge()", () => {
  test("takes rounds in pairs, the better peer, and leaves out what nobody measured", () => {
    const { record, of } = createFigures();
    for (const load of [1, 3, 10]) {
      record("short-cpu", "linux", 90 * load);
      record("short-cpu", "haproxy", 100 * load);
      record("short-cpu", "nginx", 120 * load);
      record("short-cpu", "sniproxy", NaN);
    }
    const [verdict, ...rest] = judge({ record, of }, "linux");
    expect(rest).toEqual([]);
    expect(verdict).toMatchObject({ ratio: 0.9, most: 0.85, holds: false });
    record("memory-idle", "linux", 61);
    const absolute = judge({ record, of }, "linux").find(({ title }) => title.startsWith("memory idle"));
    expect(absolute).toMatchObject({ ratio: 61, most: 52, holds: false });
    expect(table({ record, of }, [{ id: "linux", title: "edge-lb" }])).toContain("| 270.0 (90.0–900.0) |");
  });
});

describe("brief()", () => {
  test("has five lines of medians, or none where something was not measured", () => {
    const { record, of } = createFigures();
    const rows = ["short-cpu", "ping-64-cpu", "http-cpu", "bulk-cpu", "memory-full"];
    for (const row of rows) for (const column of ["linux", "haproxy"]) record(row, column, 2);
    expect(brief({ record, of })).toBeNull();
    for (const row of rows) record(row, "nginx", 3);
    const lines = brief({ record, of })?.split("\n") ?? [];
    expect(lines).toHaveLength(2 + rows.length);
    expect(lines.at(2)).toBe("|short connection|2.0|2.0|3.0|");
  });
});

describe("inOwnNetwork()", () => {
  test("asks for no second one inside", () => {
    process.env["EDGE_LB_BENCH_INSIDE"] = "1";
    expect(inOwnNetwork(["false"], () => {})).toBeNull();
    delete process.env["EDGE_LB_BENCH_INSIDE"];
  });

  test.skipIf(process.getuid?.() !== 0)("runs the command where no other socket is, and hands on its exit code", () => {
    const said: string[] = [];
    const alone = 'test "$(wc -l < /proc/net/tcp)" = 1 || exit 3; exit 7';
    const code = inOwnNetwork(["sh", "-c", alone], (text) => void said.push(text));
    expect(said.length === 0 ? code : 7).toBe(7);
  });
});

describe("spentNs()", () => {
  test("counts new threads whole and forgets those that ended", () => {
    const before = new Map([
      ["1", 10],
      ["2", 500],
    ]);
    const after = new Map([
      ["1", 15],
      ["3", 7],
    ]);
    expect(spentNs(before, after)).toBe(12);
  });
});

describe("helloFor()", () => {
  test("asks for the name, and any other byte that differs is seen", () => {
    const hello = helloFor(apiName(9_999));
    expect(hello.length).toBe(HELLO_BYTES);
    expect(readClientHello(hello)).toMatchObject({ kind: "sni", host: "api.c9999.bench" });
    expect(nameInHello(hello)).toBe("api.c9999.bench");
    hello[40] = (hello[40] ?? 0) ^ 1;
    expect(nameInHello(hello)).toBeNull();
    expect(answerOf("127.50.0.20", apiName(0)).length).toBe(ANSWER_BYTES);
  });
});
