import { afterAll, describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLogTarget } from "../../../src/config/values/log-target.ts";
import { openSink } from "../../../src/control/log/open.ts";
import { QueuedSink, type LogSink, type LogWriter } from "../../../src/control/log/sink.ts";
import { syslogMessage } from "../../../src/control/log/syslog.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-log-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function open(text: string, format: "text" | "json" | "haproxy" = "text"): Promise<LogSink> {
  const target = readLogTarget(text);
  if (!target.ok) throw new Error(text);
  return openSink(target.value, format);
}

/** A writer whose calls are answered by hand. */
function slowWriter(): LogWriter & { readonly written: string[]; answer(lost: number): void } {
  const written: string[] = [];
  const waiting: ((lost: number) => void)[] = [];
  return {
    written,
    write(entries, done) {
      written.push(entries.map(({ text }) => text).join(""));
      waiting.push(done);
    },
    answer: (lost) => waiting.shift()?.(lost),
  };
}

describe("QueuedSink", () => {
  test("writes in order, what comes meanwhile in one batch, and tells each writer once", () => {
    const writer = slowWriter();
    const sink = new QueuedSink(writer);
    const done: string[] = [];
    for (const line of ["a", "b", "c"]) sink.write(`${line}\n`, () => done.push(line));
    expect(writer.written).toEqual(["a\n"]);
    writer.answer(0);
    expect([writer.written, done]).toEqual([["a\n", "b\nc\n"], ["a"]]);
    writer.answer(0);
    expect(done).toEqual(["a", "b", "c"]);
  });

  test("drops what does not fit, counts it and says so with the next lines", () => {
    const writer = slowWriter();
    const sink = new QueuedSink(writer);
    sink.write("first\n");
    let answered = false;
    sink.write("x\n".repeat(1_000_000), () => (answered = true));
    expect([sink.dropped, answered]).toEqual([1_000_000, true]);
    sink.write("next\n");
    writer.answer(0);
    expect(writer.written[1]).toMatch(/^\S+ warn: 1000000 log lines were lost: the sink did not take them\nnext\n$/);
  });

  test("keeps telling of losses until a line gets through", () => {
    const writer = slowWriter();
    const sink = new QueuedSink(writer);
    for (const lost of [1, 2]) {
      sink.write("line\n");
      writer.answer(lost);
    }
    expect(sink.dropped).toBe(2);
    sink.write("line\n");
    expect(writer.written.at(-1)).toContain("2 log lines were lost");
    writer.answer(0);
    sink.write("line\n");
    expect(writer.written.at(-1)).toBe("line\n");
  });
});

describe("openSink()", () => {
  test("appends to a file, and after reopen to the new one", async () => {
    const path = join(folder, "a.log");
    const sink = await open(path);
    sink.write("one\n");
    await sink.drained();
    renameSync(path, `${path}.1`);
    sink.write("two\n");
    await sink.drained();
    sink.reopen();
    sink.write("three\n");
    await sink.drained();
    expect([readFileSync(`${path}.1`, "utf8"), readFileSync(path, "utf8")]).toEqual(["one\ntwo\n", "three\n"]);
  });

  test("gives HAProxy's lines in a file the date, host and program that syslog would", async () => {
    const path = join(folder, "h.log");
    const sink = await open(path, "haproxy");
    sink.write("1.2.3.4:5 [x]\n1.2.3.4:6 [y]\n");
    await sink.drained();
    expect(readFileSync(path, "utf8")).toMatch(
      /^([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ edge-lb\[\d+\]: 1\.2\.3\.4:[56] \[[xy]\]\n){2}$/,
    );
  });

  test("says which file it cannot open", () => {
    expect(open(join(folder, "missing", "x.log"))).rejects.toThrow(/^Cannot write the log to .*x\.log: ENOENT/);
  });

  test.if(process.platform === "linux")("counts the lines that a full disk does not take, and goes on", async () => {
    const sink = await open("/dev/full");
    sink.write("a\nb\n");
    await sink.drained();
    expect(sink.dropped).toBe(2);
  });

  test("sends one syslog message a line over UDP", async () => {
    const server = createSocket("udp4");
    const received: string[] = [];
    const both = new Promise<void>((resolve) =>
      server.on("message", (message) => {
        received.push(message.toString());
        if (received.length === 2) resolve();
      }),
    );
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    const sink = await open(`syslog://127.0.0.1:${server.address().port}?facility=local2`);
    sink.write("2026-11-23T20:46:00.123Z hub: api up\nsecond\n", undefined, "warn");
    await both;
    server.close();
    expect(received[0]).toMatch(/^<148>1 \d{4}-\S+Z \S+ edge-lb \d+ - - hub: api up$/);
    expect(received[1]).toEndWith(" - - second");
  });

  test("speaks to a unix socket that takes streams, and loses lines without one, not time", async () => {
    const path = join(folder, "log.sock");
    const sink = await open(`unix:${path}`);
    sink.write("lost\n");
    await sink.drained();
    expect(sink.dropped).toBe(1);
    const server = createServer();
    const got = new Promise<string>((resolve) => {
      let text = "";
      server.on("connection", (socket) => socket.on("data", (chunk) => (text += chunk)).on("end", () => resolve(text)));
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    sink.write("told\n");
    const text = await got;
    server.close();
    expect(text).toMatch(/^<28>.* edge-lb\[\d+\]: warn: 1 log line was lost/);
    expect(text).toMatch(/<30>.* edge-lb\[\d+\]: told\n$/);
  });
});

describe("syslogMessage()", () => {
  const at = new Date("2026-11-03T04:05:06.789Z");
  const sender = { program: "edge-lb", pid: 7, host: "hv", stripTime: false };
  test.each([
    [5424, "error", "<27>1 2026-11-03T04:05:06.789Z hv edge-lb 7 - - text"],
    [3164, "info", "<30>Nov  3 04:05:06 hv edge-lb[7]: text"],
  ] as const)("writes RFC %i", (rfc, level, want) => {
    expect(syslogMessage("text", level, { facility: 3, rfc }, sender, at)).toBe(want);
  });
});
