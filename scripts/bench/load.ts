/**
 * The clients, all in one process: `bun scripts/bench/load.ts`. One command in JSON per line on stdin, one reply per line on stdout;
 * the end of stdin ends it. The first wrong byte, refusal or stall is the reply.
 */
import { readSync, writeSync } from "node:fs";
import { EPOLL } from "./calls.ts";
import type { Order, Outcome, Span } from "./load-common.ts";
import { type Asker, openAskers, runRequests } from "./load-requests.ts";
import { runFirst, runShort } from "./load-short.ts";
import { closeTunnels, openTunnels, runPings, runStreams, type Tunnel } from "./load-tunnels.ts";
import { Net } from "./net.ts";

export type LoadCommand =
  | { readonly run: "short"; readonly order: Order; readonly span: Span }
  | { readonly run: "first"; readonly order: Order; readonly limitMs: number }
  | { readonly run: "open-tunnels" | "open-requests"; readonly order: Order }
  | { readonly run: "pings" | "requests"; readonly span: Span }
  | { readonly run: "streams"; readonly bytesEach: number }
  | { readonly run: "close" };

export type LoadReply =
  | { readonly kind: "outcome"; readonly outcome: Outcome }
  | { readonly kind: "first"; readonly atMs: number }
  | { readonly kind: "done" }
  | { readonly kind: "wrong"; readonly what: string };

const DONE: LoadReply = { kind: "done" };
const net = new Net();
const tunnels: Tunnel[] = [];
let askers: Asker[] = [];

function closeAll(): void {
  closeTunnels(net, tunnels);
  closeTunnels(net, askers);
  tunnels.length = 0;
  askers = [];
}

function obey(command: LoadCommand): LoadReply {
  switch (command.run) {
    case "short":
      return { kind: "outcome", outcome: runShort(net, command.order, command.span) };
    case "first":
      return { kind: "first", atMs: runFirst(net, command.order, command.limitMs) };
    case "open-tunnels":
      tunnels.push(...openTunnels(net, command.order)); // those that are open already stay
      return DONE;
    case "open-requests":
      askers = openAskers(net, command.order);
      return DONE;
    case "pings":
      return { kind: "outcome", outcome: runPings(net, tunnels, command.span) };
    case "requests":
      return { kind: "outcome", outcome: runRequests(net, askers, command.span) };
    case "streams":
      return { kind: "outcome", outcome: runStreams(net, tunnels, command.bytesEach) };
    case "close":
      closeAll();
      return DONE;
  }
}

/** What went wrong while no command ran: a peer that closed an idle tunnel. */
let broken: string | null = null;

function reply(line: string): LoadReply {
  try {
    if (broken !== null) throw new Error(broken);
    const command: LoadCommand = JSON.parse(line);
    Bun.gc(true); // a pause of ours would count as the peer's latency
    return obey(command);
  } catch (error) {
    return { kind: "wrong", what: textOf(error) };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function rest(): void {
  try {
    net.turn(-1);
  } catch (error) {
    broken ??= `while idle: ${textOf(error)}`;
  }
}

const chunk = Buffer.alloc(65_536);
let text = "";

function readCommands(): void {
  const n = readSync(0, chunk);
  if (n === 0) process.exit(0);
  text += chunk.toString("utf8", 0, n);
}

net.watch(0, { onReady: readCommands }, EPOLL.IN);
for (;;) {
  rest();
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
    const line = text.slice(0, end);
    text = text.slice(end + 1);
    writeSync(1, `${JSON.stringify(reply(line))}\n`);
  }
}
