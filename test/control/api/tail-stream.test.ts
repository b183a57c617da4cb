import { describe, expect, test } from "bun:test";
import { globPattern, tailStream, type TailFilter } from "../../../src/control/api/tail-stream.ts";
import { LiveTail } from "../../../src/control/log/live-tail.ts";
import { RecentEvents } from "../../../src/control/log/recent-events.ts";

const ALL: TailFilter = { cluster: null, name: null, failed: false };

function bench(filter: Partial<TailFilter> = {}) {
  const watched: boolean[] = [];
  const tail = new LiveTail((on) => watched.push(on));
  const events = new RecentEvents(() => 0);
  const ending = new AbortController();
  const response = tailStream({ tail, events }, { ...ALL, ...filter }, ending.signal);
  /** Everything there is, after the end. */
  const lines = async () => {
    ending.abort();
    return (await response.text()).split("\n").filter((line) => line !== "");
  };
  return { tail, events, lines, watched, response };
}

function line(more: object): string {
  return JSON.stringify({ event: "access", name: "a.hub.lab", cluster: "hub", end: "node closed", ...more });
}

const CONNECTIONS = [
  line({}),
  line({ cluster: "x", name: "b.x.lab" }),
  line({ cluster: null, name: null, end: "unknown name" }),
  line({ status: 502, end: "done" }),
  line({ status: 404, end: "done" }),
];

describe("tailStream()", () => {
  test.each([
    [{}, [0, 1, 2, 3, 4], 2],
    [{ cluster: "hub" }, [0, 3, 4], 1],
    [{ name: "*.X.lab" }, [1], 0],
    [{ name: "?.hub.lab" }, [0, 3, 4], 0],
    [{ failed: true }, [2, 3], 1],
    [{ failed: true, cluster: "hub" }, [3], 1],
  ])("with %j passes what is asked for", async (filter, wanted, events) => {
    const b = bench(filter);
    b.tail.pass(`${CONNECTIONS.join("\n")}\n`, 0);
    b.events.add("info", "reload", "nothing changed");
    b.events.add("warn", "health", "hub: down", { cluster: "hub" });
    const all = await b.lines();
    expect(all.slice(0, wanted.length)).toEqual(wanted.map((at) => CONNECTIONS[at] ?? ""));
    expect(all.length).toBe(wanted.length + events);
  });

  test("loses what a slow reader does not take, and counts it", async () => {
    const b = bench();
    const reader = b.response.body?.getReader();
    const many = `${Array.from({ length: 1_000 }, (_, at) => line({ note: `${at}`.padStart(500) })).join("\n")}\n`;
    b.tail.pass(many, 0);
    b.tail.pass(many, 3);
    b.tail.pass(`${line({})}\n`, 0);
    await reader?.read(); // the head
    await reader?.read(); // the first thousand
    b.tail.pass(`${line({})}\n`, 0);
    const text = new TextDecoder().decode((await reader?.read())?.value);
    expect(JSON.parse(text.split("\n")[0] ?? "")).toMatchObject({ event: "tail", lost: 1_004 });
  });

  test("has workers format lines only while somebody watches", async () => {
    const b = bench();
    expect(b.watched).toEqual([true]);
    await b.response.body?.cancel();
    expect(b.watched).toEqual([true, false]);
  });
});

describe("globPattern()", () => {
  test.each([
    ["*.lab", "a.b.lab", true],
    ["*.lab", "lab", false],
    ["a+b", "aab", false],
    ["**********x", "y".repeat(10_000), false],
  ])("%s and %s", (glob, text, wanted) => {
    expect(globPattern(glob).test(text)).toBe(wanted);
  });
});
