/**
 * What the behaviour suite needs around a runtime: far ends of connections, and waiting on conditions.
 * `loopback.ts` speaks to a runtime over real sockets, `memory-harness.ts` to the in-memory one.
 */
import type { Runtime } from "../../src/runtime/port.ts";
import type { FromWorker, ToWorker } from "../../src/seam/mail.ts";
import type { Address } from "../../src/seam/snapshot.ts";
import type { Shortage } from "./shortage.ts";

/** The far end of one connection: a client of the runtime's listener, or a node that it dialled. */
export interface Peer {
  /** Its own address, as the runtime must show it in `Conn.remote`; known once connected. */
  local(): Address;
  /** Queues without bound; `taken` tells how much went into the network. */
  send(chunk: Uint8Array): void;
  /** Sends `total` bytes of the pattern, with back-pressure, then calls `after`. */
  stream(total: number, after?: () => void): void;
  /** Bytes that left this peer. */
  taken(): number;
  /** FIN after everything sent. */
  finish(): void;
  /** RST. */
  reset(): void;
  stopReading(): void;
  startReading(): void;
  /** Bytes that arrived. */
  received(): number;
  /** What arrived, the first 64 KB of it. */
  head(): Uint8Array;
  /** True while all that arrived is the pattern from its start. */
  patternHolds(): boolean;
  /** The runtime's FIN was read. */
  ended(): boolean;
  /** The socket is closed; "reset" when by an RST. */
  closed(): "open" | "closed" | "reset";
}

/** A server of the far side. Connections are in the order of arrival. */
export interface NodeServer {
  readonly at: Address;
  readonly peers: Peer[];
  close(): void;
}

export interface Harness {
  readonly runtime: Runtime;
  /** A client; connects at once, may be used before it is connected. */
  client(to: Address): Peer;
  /** A node that accepts; `reading` false: its peers do not read before `startReading`. */
  node(ip?: string, reading?: boolean): Promise<NodeServer>;
  /** An address of this kind, or null where the machine has none. */
  nowhere(kind: "refused" | "timeout" | "unreachable"): Promise<Address | null>;
  /** Takes the process's descriptors away; null where that cannot be done. */
  shortage(): Shortage | null;
  /** Turns the loop until the condition holds; fails with `what` after 10 s (of the hand-driven clock too). */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Everything sent before this call has been handled by the runtime when it resolves. */
  fence(): Promise<void>;
  /** Mail from control, as the worker's port would deliver it. */
  deliver(mail: ToWorker): void;
  /** What the runtime posted to control. */
  posted(): readonly FromWorker[];
  /** Open sockets of this process; null where they cannot be counted. */
  sockets(): number | null;
  /** Stops the runtime and frees everything. */
  close(): Promise<void>;
}

/** A repeating block whose length is prime, so that a lost or doubled piece shifts everything behind it. */
export const BLOCK = block(65_521);

function block(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 12_345;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
}

/** The pattern's bytes from `offset` to the end of its block or `most` bytes. */
export function patternAt(offset: number, most: number): Uint8Array {
  const from = offset % BLOCK.length;
  return BLOCK.subarray(from, Math.min(BLOCK.length, from + most));
}

/** What a peer received: count, first bytes, and whether it is the pattern. */
export interface Inbox {
  take(chunk: Uint8Array): void;
  count(): number;
  head(): Uint8Array;
  patternHolds(): boolean;
}

const HEAD_BYTES = 65_536;

export function createInbox(): Inbox {
  const head = new Uint8Array(HEAD_BYTES);
  let count = 0;
  let holds = true;
  return {
    take(chunk) {
      if (count < HEAD_BYTES) head.set(chunk.subarray(0, HEAD_BYTES - count), count);
      for (let at = 0; at < chunk.length && holds;) {
        const want = patternAt(count + at, chunk.length - at);
        holds = equal(chunk.subarray(at, at + want.length), want);
        at += want.length;
      }
      count += chunk.length;
    },
    count: () => count,
    head: () => head.subarray(0, Math.min(count, HEAD_BYTES)),
    patternHolds: () => holds,
  };
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Text as bytes, for short exchanges. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(chunk: Uint8Array): string {
  return new TextDecoder().decode(chunk);
}
