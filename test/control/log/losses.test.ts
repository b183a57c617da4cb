import { describe, expect, test } from "bun:test";
import { QueuedSink, type LogWriter } from "../../../src/control/log/sink.ts";

/** Loses what it is told to, at once. */
function losing(): LogWriter & { readonly written: string[]; lose: number } {
  const writer = {
    written: [] as string[],
    lose: 0,
    write(entries: Parameters<LogWriter["write"]>[0], done: (lost: number) => void): void {
      writer.written.push(entries.map(({ text }) => text).join(""));
      done(writer.lose);
    },
  };
  return writer;
}

describe("QueuedSink", () => {
  test("tells of losses in JSON among lines that are JSON", () => {
    const writer = losing();
    const sink = new QueuedSink(writer, "json");
    writer.lose = 2;
    sink.write("{}\n{}\n");
    writer.lose = 0;
    sink.write("{}\n");
    const [telling = "", line] = (writer.written[1] ?? "").split("\n");
    expect(JSON.parse(telling)).toMatchObject({ level: "warn", event: "log", lines: 2 });
    expect([line, sink.dropped]).toEqual(["{}", 2]);
  });

  test("has told of losses when only lines after the telling were lost", () => {
    const writer = losing();
    const sink = new QueuedSink(writer);
    for (const lost of [1, 2, 0]) {
      writer.lose = lost;
      sink.write("a\nb\n");
    }
    expect(writer.written[1]).toContain(" 1 log line was lost");
    expect(writer.written[2]).toContain(" 2 log lines were lost");
    expect(sink.dropped).toBe(3);
  });

  test("tells of what was lost before it came here, and does not count it again", () => {
    const writer = losing();
    const sink = new QueuedSink(writer);
    sink.missed(7);
    sink.write("a\n");
    expect([writer.written[0], sink.dropped]).toEqual([expect.stringContaining(" 7 log lines were lost"), 0]);
  });
});
