import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { wireAddress } from "../../../src/runtime/portable/addresses.ts";
import { PortableConn } from "../../../src/runtime/portable/conn.ts";
import { dialError } from "../../../src/runtime/portable/dial.ts";
import { Pulse } from "../../../src/runtime/portable/pulse.ts";
import { PortableRuntime } from "../../../src/runtime/portable/runtime.ts";
import type { Cancel } from "../../../src/runtime/port.ts";
import { listenError } from "../../../src/runtime/listen-error.ts";
import { createMemoryRuntime } from "../../support/memory/runtime.ts";
import { equal } from "../harness.ts";
import { pattern } from "../cases-conn.ts";
import { listenSpec, LOCAL, nth, type Seen, watch } from "../recorder.ts";

/** One thing that may happen to a client whose bytes are read, passed on or held back. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("send" as const), count: fc.integer({ min: 1, max: 150_000 }) }),
  fc.record({ kind: fc.constant("pass" as const), count: fc.integer({ min: 1, max: 200_000 }) }),
  fc.record({ kind: fc.constantFrom("pause", "resume", "stall", "read", "settle"), count: fc.constant(0) }),
);

describe("PortableConn", () => {
  test("shows or passes every byte once and in order, whatever happens when", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const runtime = createMemoryRuntime();
        const node = runtime.node({ ip: "10.0.0.1", port: 80 });
        /** What left the client's connection, to the session or to the node, in this order. */
        const out: { readonly to: "session" | "node"; count: number }[] = [];
        const add = (to: "session" | "node", count: number): void => {
          const last = out.at(-1);
          if (last?.to === to) last.count += count;
          else out.push({ to, count });
        };
        const shown: Uint8Array[] = [];
        let client: Seen | null = null;
        const listener = runtime.listen(listenSpec(LOCAL), (conn) => {
          client = watch(conn, {
            onData: (_seen, chunk) => {
              shown.push(new Uint8Array(chunk));
              add("session", chunk.length);
            },
          });
          return client.events;
        });
        const peer = runtime.connect(listener.at);
        let upstream: Seen | null = null;
        runtime.dial({
          to: node.at,
          timeoutMs: 1_000,
          first: null,
          onOpen: (conn) => (upstream = watch(conn)).events,
          onFail: () => expect.unreachable(),
        });
        runtime.settle();
        const from = client as Seen | null;
        const to = upstream as Seen | null;
        if (from === null || to === null) return expect.unreachable();
        const far = nth(node.peers, 0);
        let sent = 0;
        let passing = false;
        for (const { kind, count } of steps) {
          if (kind === "send") {
            peer.send(pattern(sent + count).subarray(sent));
            sent += count;
          } else if (kind === "pass" && !passing) {
            passing = true;
            const onDone = (): void => void (passing = false);
            runtime.pass(from.conn, to.conn, { bytes: count, onProgress: (moved) => add("node", moved), onDone });
          } else if (kind === "pause" && !passing) from.conn.pause();
          else if (kind === "resume" && !passing) from.conn.resume();
          else if (kind === "stall") far.stopReading();
          else if (kind === "read") far.startReading();
          else if (kind === "settle") runtime.settle();
        }
        far.startReading();
        from.conn.resume();
        peer.finish();
        runtime.settle();
        const pieces: Record<"session" | "node", Uint8Array> = { session: Buffer.concat(shown), node: far.received };
        const taken = { session: 0, node: 0 };
        const whole = pattern(sent);
        let at = 0;
        for (const { to, count } of out) {
          expect(equal(pieces[to].subarray(taken[to], taken[to] + count), whole.subarray(at, at + count))).toBe(true);
          taken[to] += count;
          at += count;
        }
        expect(at).toBe(sent);
        expect(from.ends).toBe(1);
        expect([...from.late, ...to.late]).toEqual([]);
        return undefined;
      }),
      { numRuns: 150 },
    );
  });
});

/** A runtime around one wire that takes everything and reports nothing. */
class OneConn extends PortableRuntime {
  readonly engine = "memory";
  readonly conn: PortableConn;

  constructor(tasks: (() => void)[]) {
    const timer = (): Cancel => ({ cancel() {} });
    const defer = (task: () => void): void => void tasks.push(task);
    super(null, { lends: false, borrows: false, nowMs: () => 0, defer, timer, pulse: new Pulse(defer) });
    const nothing = (): void => {};
    const calls = { pause: nothing, resume: nothing, shutdown: nothing, end: nothing, terminate: nothing };
    const addresses = { remoteAddress: "", remotePort: 1, localAddress: "", localPort: 2 };
    this.conn = new PortableConn({ ...addresses, ...calls, write: ({ length }) => length }, this.host, null);
  }

  listen = (): never => expect.unreachable();
  dial = (): never => expect.unreachable();
}

describe("PortableConn.closed()", () => {
  test("tells the close once when the session destroys the connection at the FIN that the close implies", () => {
    const tasks: (() => void)[] = [];
    const { conn } = new OneConn(tasks);
    const closes: string[] = [];
    conn.serve({ onData() {}, onDrain() {}, onEnd: () => conn.destroy(), onClose: (cause) => void closes.push(cause) });
    conn.closed("closed");
    for (const task of tasks) task();
    expect(closes).toEqual(["destroyed"]);
  });
});

describe("dialError()", () => {
  test.each([
    ["ECONNREFUSED", "refused"],
    ["ETIMEDOUT", "timeout"],
    ["EHOSTUNREACH", "unreachable"],
    ["ENETUNREACH", "unreachable"],
    ["EMFILE", "no-descriptors"],
    ["EADDRNOTAVAIL", "no-ports"],
    ["EINVAL", "other"],
    [undefined, "other"],
  ] as const)("calls %s %s", (code, want) => expect(dialError(code)).toBe(want));
});

describe("listenError()", () => {
  test.each([
    ["", 443, "EACCES", "Cannot listen on :443: permission denied"],
    ["::", 443, "EADDRINUSE", "Cannot listen on :443: address in use"],
    ["::1", 80, "EADDRINUSE", "Cannot listen on [::1]:80: address in use"],
    ["10.0.0.1", 80, "EMFILE", "Cannot listen on 10.0.0.1:80: no descriptor is free"],
    ["10.0.0.1", 80, "EWEIRD", "Cannot listen on 10.0.0.1:80: EWEIRD"],
  ])("names address and cause: %s %d %s", (ip, port, code, want) => {
    expect(listenError({ ip, port }, code, null).message).toBe(want);
  });

  test("says how a low port is allowed", () => {
    expect(listenError({ ip: "", port: 443 }, "EACCES", null).hint).toBe(
      "run with sudo or setcap cap_net_bind_service=+ep",
    );
  });
});

describe("wireAddress()", () => {
  test.each([
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:1", "::ffff:1"],
    ["2001:db8::1", "2001:db8::1"],
    [undefined, ""],
  ])("writes %s as %s", (ip, want) => expect(wireAddress(ip, 7).ip).toBe(want));
});
