import { describe, expect, test } from "bun:test";
import { createEventLog } from "../../../src/control/log/event-log.ts";
import { QueuedSink } from "../../../src/control/log/sink.ts";
import { maxConnections } from "../../../src/control/machine/limits.ts";

describe("createEventLog()", () => {
  test.each([
    ["text", "1970-01-01T00:00:01.000Z warn: hub has no node\n"],
    [
      "json",
      '{"time":"1970-01-01T00:00:01.000Z","level":"warn","event":"health","message":"hub has no node","cluster":"hub"}\n',
    ],
  ] as const)("writes one line as %s", (format, want) => {
    let written = "";
    const sink = new QueuedSink({
      write: (entries, done) => {
        written += entries.map(({ text }) => text).join("");
        done(0);
      },
    });
    createEventLog(sink, format, () => 1_000).warn("health", "hub has no node", { cluster: "hub" });
    expect(written).toBe(want);
  });
});

describe("maxConnections()", () => {
  test.each([
    [1_024, 206],
    [1_048_576, 262_094],
    [100, 1],
  ])("of %p descriptors leaves 200 aside and counts 4 for each connection", (descriptors, want) => {
    expect(maxConnections(descriptors)).toBe(want);
  });
});
