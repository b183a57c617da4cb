/**
 * The clients of the upgrade soak, a process. It is told what to do by lines on a connection to the port that it prints, and
 * answers each with a line of JSON: `open`, `gaps`, `rest`, `finish`. `clients.ts API HTTPS HTTP BEAT SLOW IDLE STALLED HALF VISITORS`
 */
import { writeSync } from "node:fs";
import { createLinuxRuntime } from "../../../src/runtime/linux/runtime.ts";
import type { Conn } from "../../../src/runtime/port.ts";
import { Stream, USES, type Use } from "./stream.ts";
import { DOORS, type Door } from "./talk.ts";
import { Visitor, type Visits } from "./visitor.ts";

const LOOK_MS = 20;
/** Dials under way at a time. */
const AT_ONCE = 50;

const numbers = process.argv.slice(2).map(Number);
const ports = Object.fromEntries(DOORS.map((door, index) => [door, numbers[index] ?? 0])) as Record<Door, number>;
const counts = Object.fromEntries(USES.map((use, index) => [use, numbers[3 + index] ?? 0])) as Record<Use, number>;
const visitorCount = numbers[8] ?? 0;

const runtime = createLinuxRuntime({});
const streams: Stream[] = [];
const visits: Visits = { served: 0, faults: [], longestMs: 0 };
const visitors: Visitor[] = [];

function faults(): string[] {
  return [...streams.flatMap(({ fault }) => (fault === null ? [] : [fault])), ...visits.faults];
}

/** Calls `then` once that holds, or faults say that it never will, or the time is over. */
function when(holds: () => boolean, then: () => void, untilMs = performance.now() + 60_000): void {
  if (holds() || performance.now() > untilMs) then();
  else runtime.timer(LOOK_MS, () => when(holds, then, untilMs));
}

function openAll(then: () => void): void {
  const wanted = USES.flatMap((use) => Array.from({ length: counts[use] }, () => use));
  const next = (): void => {
    const use = wanted.shift();
    if (use === undefined) return;
    const door = DOORS[streams.length % DOORS.length] ?? "api";
    const stream = new Stream(runtime, door, use, next);
    streams.push(stream);
    stream.dial("127.0.0.1", ports[door]);
  };
  for (let i = 0; i < AT_ONCE; i++) next();
  const total = wanted.length + streams.length;
  when(
    () => streams.length === total && streams.every(({ isOpen, fault }) => isOpen || fault !== null),
    () => {
      for (let i = 0; i < visitorCount; i++) {
        const door = DOORS[i % DOORS.length] ?? "api";
        const visitor = new Visitor(runtime, door, ports[door], visits);
        visitors.push(visitor);
        visitor.come();
      }
      then();
    },
  );
}

/** All streams stop and everything comes back. */
function rest(then: () => void): void {
  for (const visitor of visitors) visitor.stop();
  for (const stream of streams) stream.rest();
  when(
    () => visitors.every(({ isOver }) => isOver) && streams.every(({ isWhole, fault }) => isWhole || fault !== null),
    () => {
      for (const stream of streams)
        if (!stream.isWhole) stream.fault ??= `${stream.use}: ${stream.back} of ${stream.sent} bytes came back`;
      then();
    },
  );
}

function finish(then: () => void): void {
  for (const stream of streams) stream.finish();
  when(() => streams.every(({ ended, use }) => ended || use === "half-closed"), then);
}

function gapsOf(wanted: Use): number[] {
  return streams.filter(({ use }) => use === wanted).map((stream) => Math.round(stream.gap() * 10) / 10);
}

function tell(conn: Conn): void {
  const bytes = streams.reduce((sum, { back }) => sum + back, 0);
  const state = {
    streams: streams.length,
    bytes,
    faults: faults().slice(0, 20),
    faultCount: faults().length,
    visits: { served: visits.served, longestMs: Math.round(visits.longestMs) },
    gaps: gapsOf("beat"),
    slowGaps: gapsOf("slow"),
  };
  visits.longestMs = 0;
  conn.write(Buffer.from(`${JSON.stringify(state)}\n`));
}

function obey(line: string, conn: Conn): void {
  const then = (): void => tell(conn);
  if (line === "open") openAll(then);
  else if (line === "rest") rest(then);
  else if (line === "finish") finish(then);
  else then();
}

const door = runtime.listen({ service: "api", at: { ip: "127.0.0.1", port: 0 }, fd: -1, reusePort: false }, (conn) => ({
  onData: (chunk) => obey(Buffer.from(chunk).toString("latin1").trim(), conn),
  onDrain() {},
  onEnd: () => runtime.stop(),
  onClose: () => runtime.stop(),
}));
runtime.onFault(
  (error) => void visits.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
writeSync(1, `${JSON.stringify({ port: door.at.port })}\n`);
runtime.run();
process.exit(0);
