/** Does io_uring do here what the engine relies on? A ring that could lose bytes is none. */
import { ERRNO, SO, SOL } from "../kernel/libc.ts";
import { ARENA_BYTES } from "../kernel/memory.ts";
import { type Outcomes, Ring } from "./ring.ts";
import { close, openPair, otherEnd, sendKept, setOption, waiting } from "../kernel/syscalls.ts";

const SMALL = 8;
/** What it waits for is there already. */
const TRY_MS = 100;
/** What the probe submits: each outcome below has the operation's index. */
const STEPS = { small: 0, short: 1, refused: 2, close: 3, count: 4 } as const;

/** @returns A ring that was tried, or why there is none, in words. */
export function openRing(): Ring | string {
  const ring = Ring.open();
  if (typeof ring === "string") return ring;
  const problem = trySends(ring) ?? tryReceive(ring);
  if (problem === null) return ring;
  ring.dispose();
  return problem;
}

/** Why there is none here; null: there is one. */
export function ringObstacle(): string | null {
  const ring = openRing();
  if (typeof ring === "string") return ring;
  ring.dispose();
  return null;
}

/** Sends that are taken, cut short and refused, then a close: a pair of sockets shows what really happened. */
function trySends(ring: Ring): string | null {
  const fd = openPair();
  if (fd < 0) return `socketpair failed with errno ${-fd}`;
  const peer = otherEnd();
  setOption(fd, SOL.SOCKET, SO.SNDBUF, 1); // the kernel makes it its least
  const outcomes = new Seen();
  ring.send(STEPS.small, fd, 0, SMALL);
  ring.send(STEPS.short, fd, 0, ARENA_BYTES);
  ring.send(STEPS.refused, fd, 0, SMALL);
  ring.close(STEPS.close, fd);
  const done = ring.submit(STEPS.count);
  ring.tell(outcomes);
  const arrived = waiting(peer);
  // asked of the other end: its number may be another thread's by now, and a second close would take that one's descriptor
  const closed = sendKept(peer, 0, 1) === -ERRNO.EPIPE;
  close(peer);
  if (!closed) close(fd);
  if (done !== STEPS.count) return "io_uring_enter fails";
  const { short, refused } = outcomes;
  const told = outcomes.count === 2 && short > 0 && short < ARENA_BYTES && refused === -ERRNO.EAGAIN;
  return told && closed && arrived === SMALL + short ? null : "this kernel does not tell what a send took";
}

/** A receive that stands: what came, then the end. */
function tryReceive(ring: Ring): string | null {
  const fd = openPair();
  if (fd < 0) return `socketpair failed with errno ${-fd}`;
  const peer = otherEnd();
  const outcomes = new Seen();
  ring.receive(fd, 1);
  ring.submitAndWait(1, 0);
  sendKept(peer, 0, SMALL);
  ring.submitAndWait(0, TRY_MS);
  ring.tell(outcomes);
  close(peer);
  ring.submitAndWait(0, TRY_MS);
  ring.tell(outcomes);
  close(fd);
  for (const { buffer } of outcomes.arrivals) if (buffer >= 0) ring.offer(buffer);
  ring.publish();
  const [bytes, end] = outcomes.arrivals;
  const came = bytes?.result === SMALL && bytes.buffer >= 0 && bytes.standing;
  return came && end?.result === 0 && !end.standing ? null : "this kernel does not tell what arrives";
}

class Seen implements Outcomes {
  count = 0;
  short = 0;
  refused = 0;
  readonly arrivals: { readonly result: number; readonly buffer: number; readonly standing: boolean }[] = [];

  told(index: number, result: number): void {
    this.count++;
    if (index === STEPS.short) this.short = result;
    if (index === STEPS.refused) this.refused = result;
  }

  arrived(_fd: number, _generation: number, result: number, buffer: number, standing: boolean): void {
    this.arrivals.push({ result, buffer, standing });
  }

  polled(): void {}
}
