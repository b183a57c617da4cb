/** Sessions of the suite: they keep what they were told, and complain of what must not happen. */
import assert from "node:assert/strict";
import type { CloseCause, Conn, ConnEvents, JoinSpec, Listener, Tunnel, TunnelEnd } from "../../src/runtime/port.ts";
import type { ListenSpec } from "../../src/seam/mail.ts";
import type { Address } from "../../src/seam/snapshot.ts";
import { createInbox, type Harness, type Inbox, type NodeServer, type Peer, text } from "./harness.ts";

/** One case of the suite; `run` fails by throwing. */
export interface Case {
  readonly name: string;
  run(harness: Harness): Promise<void>;
}

export const LOCAL: Address = { ip: "127.0.0.1", port: 0 };

export function listenSpec(at: Address): ListenSpec {
  return { service: "http", at, fd: -1, reusePort: false };
}

/** Handlers a case may put in place of the silent ones. */
export type Hooks = Partial<{
  onData(seen: Seen, chunk: Uint8Array): void;
  onDrain(seen: Seen): void;
  onEnd(seen: Seen): void;
  onClose(seen: Seen, cause: CloseCause): void;
}>;

/** A connection with what its session saw. */
export interface Seen {
  readonly conn: Conn;
  readonly inbox: Inbox;
  hooks: Hooks;
  drains: number;
  ends: number;
  readonly closes: CloseCause[];
  /** Events after the last one; must stay empty. */
  readonly late: string[];
  /** Set once the connection was given away: no event may arrive. */
  given: boolean;
  readonly events: ConnEvents;
}

export function watch(conn: Conn, hooks: Hooks = {}): Seen {
  const note = (event: string): void => {
    if (seen.closes.length > 0 || seen.given) seen.late.push(event);
  };
  const seen: Seen = {
    conn,
    inbox: createInbox(),
    hooks,
    drains: 0,
    ends: 0,
    closes: [],
    late: [],
    given: false,
    events: {
      onData(chunk) {
        note("data");
        if (seen.ends > 0) seen.late.push("data after end");
        seen.inbox.take(chunk);
        seen.hooks.onData?.(seen, chunk);
      },
      onDrain() {
        note("drain");
        seen.drains++;
        seen.hooks.onDrain?.(seen);
      },
      onEnd() {
        note("end");
        seen.ends++;
        seen.hooks.onEnd?.(seen);
      },
      onClose(cause) {
        note("close");
        seen.closes.push(cause);
        seen.hooks.onClose?.(seen, cause);
      },
    },
  };
  return seen;
}

export function textOf(seen: Seen): string {
  return text(seen.inbox.head());
}

export interface Accepting {
  readonly listener: Listener;
  readonly at: Address;
  readonly seen: Seen[];
}

export function accepting(harness: Harness, hooks: Hooks = {}, at = LOCAL): Accepting {
  const seen: Seen[] = [];
  const listener = harness.runtime.listen(listenSpec(at), (conn) => {
    const session = watch(conn, hooks);
    seen.push(session);
    return session.events;
  });
  return { listener, at: listener.at, seen };
}

/** A client of the runtime and the session that serves it. */
export async function pair(harness: Harness, hooks: Hooks = {}): Promise<{ peer: Peer; seen: Seen }> {
  return knock(harness, accepting(harness, hooks));
}

/** One more client of a listener. */
export async function knock(harness: Harness, { at, seen }: Accepting): Promise<{ peer: Peer; seen: Seen }> {
  const before = seen.length;
  const peer = harness.client(at);
  await harness.until("the client is accepted", () => seen.length > before);
  return { peer, seen: nth(seen, before) };
}

/** Two clients of one listener: for `pass`, and for "the other one lives on". */
export async function pairs(harness: Harness, hooks: Hooks = {}): Promise<{ peer: Peer; seen: Seen }[]> {
  const front = accepting(harness, hooks);
  return [await knock(harness, front), await knock(harness, front)];
}

/** Dials a node and waits until both sides have the connection. */
export async function dialled(
  harness: Harness,
  node: NodeServer,
  hooks: Hooks = {},
): Promise<{ peer: Peer; seen: Seen }> {
  const opened: Seen[] = [];
  const before = node.peers.length;
  harness.runtime.dial({
    to: node.at,
    timeoutMs: 5_000,
    first: null,
    onOpen(conn) {
      const session = watch(conn, hooks);
      opened.push(session);
      return session.events;
    },
    onFail: (error) => assert.fail(`dial failed: ${error}`),
  });
  await harness.until("the node is dialled", () => opened.length === 1 && node.peers.length > before);
  return { peer: nth(node.peers, before), seen: first(opened) };
}

/** A tunnel with its two far ends. */
export interface Joined {
  readonly client: Peer;
  readonly node: Peer;
  readonly tunnel: Tunnel;
  readonly ends: TunnelEnd[];
  readonly deltas: { up: number; down: number; calls: number };
  readonly sessions: readonly [Seen, Seen];
}

export interface Ends {
  readonly client: { peer: Peer; seen: Seen };
  readonly node: { peer: Peer; seen: Seen };
}

/** Both connections of a tunnel to be. */
export async function unjoined(harness: Harness, readingNode = true): Promise<Ends> {
  const server = await harness.node("127.0.0.1", readingNode);
  return { client: await pair(harness), node: await dialled(harness, server) };
}

export function join(harness: Harness, { client, node }: Ends, spec: Partial<JoinSpec> = {}): Joined {
  const ends: TunnelEnd[] = [];
  const deltas = { up: 0, down: 0, calls: 0 };
  client.seen.given = true;
  node.seen.given = true;
  const tunnel = harness.runtime.join(client.seen.conn, node.seen.conn, {
    idleMs: 0,
    halfClosedMs: 30_000,
    toNode: [],
    toClient: [],
    onBytes(up, down) {
      if (ends.length > 0) assert.fail("onBytes after onEnd");
      deltas.up += up;
      deltas.down += down;
      deltas.calls++;
    },
    onEnd: (end) => void ends.push(end),
    ...spec,
  });
  return { client: client.peer, node: node.peer, tunnel, ends, deltas, sessions: [client.seen, node.seen] };
}

export async function joined(harness: Harness, spec: Partial<JoinSpec> = {}, readingNode = true): Promise<Joined> {
  return join(harness, await unjoined(harness, readingNode), spec);
}

/** Waits for the end and checks what every end has in common. */
export async function ended(harness: Harness, joined: Joined, want: Partial<TunnelEnd>): Promise<TunnelEnd> {
  await harness.until("the tunnel ends", () => joined.ends.length > 0);
  await harness.fence();
  assert.equal(joined.ends.length, 1, "onEnd exactly once");
  const end = nth(joined.ends, 0);
  for (const session of joined.sessions) assert.deepEqual(session.late, [], "no event after join");
  assert.deepEqual({ ...end, ...want }, end);
  assert.deepEqual({ up: joined.deltas.up, down: joined.deltas.down }, { up: end.up, down: end.down }, "deltas sum up");
  return end;
}

/** The session was told once that the connection is over, and nothing afterwards. */
export async function closedAs(harness: Harness, seen: Seen, cause: CloseCause): Promise<void> {
  await harness.until(`onClose("${cause}")`, () => seen.closes.length > 0);
  await harness.fence();
  assert.deepEqual(seen.closes, [cause]);
  assert.deepEqual(seen.late, []);
}

export function first<T>(list: readonly T[]): T {
  return nth(list, 0);
}

export function nth<T>(list: readonly T[], index: number): T {
  const item = list[index];
  assert.ok(item !== undefined, `item ${index} of ${list.length}`);
  return item;
}
