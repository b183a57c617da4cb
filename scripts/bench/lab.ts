/** Load, nodes and the count of both: every measurement goes through here and fails loudly when something does not add up. */
import { fileURLToPath } from "node:url";
import type { Nodes, Served } from "./backend.ts";
import { type Child, spentNs, startChild, threadTimes } from "./child.ts";
import type { Order, Outcome } from "./load-common.ts";
import type { LoadCommand, LoadReply } from "./load.ts";
import type { At } from "./net.ts";
import { watchMachine } from "./noise.ts";
import type { Running } from "./peers.ts";
import { CLUSTERS, freePorts, labWorld, type NodePorts, type World } from "./world.ts";

export interface Cpus {
  readonly balancer: number | null;
  /** Load and nodes share one: they never limit alone. */
  readonly load: number | null;
}

export interface Lab {
  readonly ports: NodePorts;
  /** The nodes of this slot, without a balancer: what load and nodes can do at most. */
  world(slot: number): World;
  first(order: Order, limitMs: number): Promise<number>;
  open(kind: "tunnels" | "requests", order: Order): Promise<void>;
  close(): Promise<void>;
  measure(peer: Running | null, command: LoadCommand): Promise<Measured>;
}

export interface Measured extends Outcome {
  /** CPU of the balancer per unit, in us; NaN without a balancer. */
  readonly cpuUs: number;
  /** Share of the machine that other processes took meanwhile. */
  readonly others: number;
}

const SETTLE_MS = 30;
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** @param slots how many balancers there are, each with nodes of its own */
export async function openLab(slots: number, cpus: Cpus): Promise<Lab> {
  const [api = 0, http = 0] = freePorts("127.50.0.20", 2);
  const ports = { api, http };
  const world = (slot: number): World => labWorld(slot, ports);
  const backend = startChild([process.execPath, script("backend.ts"), JSON.stringify(nodesOf(slots, ports))], {
    cpu: cpus.load,
  });
  if ((await backend.line()) !== "ready") throw new Error("Cannot start the nodes");
  const load = startChild([process.execPath, script("load.ts")], { cpu: cpus.load });
  const order = (command: LoadCommand): Promise<LoadReply> => ask<LoadReply>(load, JSON.stringify(command));

  return {
    ports,
    world,
    async first(to, limitMs) {
      const reply = await order({ run: "first", order: to, limitMs });
      if (reply.kind !== "first") throw unexpected(reply);
      return reply.atMs;
    },
    async open(kind, to) {
      expectDone(await order({ run: `open-${kind}`, order: to }));
    },
    async close() {
      expectDone(await order({ run: "close" }));
    },
    async measure(peer, command) {
      const before = await ask<Served>(backend, "?");
      const watch = watchMachine([load.pid, backend.pid, ...(peer === null ? [] : [peer.child.pid])]);
      const begun = threadTimes(peer?.pids() ?? []);
      const reply = await order(command);
      if (reply.kind !== "outcome") throw unexpected(reply, peer);
      await Bun.sleep(SETTLE_MS); // the last connections are closed after their answers
      const spent = peer === null ? NaN : spentNs(begun, threadTimes(peer.pids()));
      const others = watch.others();
      compare(command, reply.outcome, before, await ask<Served>(backend, "?"));
      return { ...reply.outcome, cpuUs: spent / 1000 / reply.outcome.units, others };
    },
  };
}

function nodesOf(slots: number, ports: NodePorts): Nodes {
  const worlds = Array.from({ length: slots }, (_, slot) => labWorld(slot, ports));
  const ips = worlds.flatMap((world) => Array.from({ length: CLUSTERS }, (_, i) => world.nodesOf(i)).flat());
  const at = (port: number): At[] => ips.map((ip) => ({ ip, port }));
  return { api: at(ports.api), http: at(ports.http) };
}

async function ask<Reply>(child: Child, line: string): Promise<Reply> {
  child.write(`${line}\n`);
  return JSON.parse(await child.line());
}

function expectDone(reply: LoadReply): void {
  if (reply.kind !== "done") throw unexpected(reply);
}

function unexpected(reply: LoadReply, peer: Running | null = null): Error {
  const what = reply.kind === "wrong" ? reply.what : `unexpected reply ${reply.kind}`;
  const obituary = peer?.child.obituary() ?? null;
  return new Error(obituary === null ? what : `${what}; the balancer ended: ${obituary}`);
}

/** Load and nodes must have counted the same: nothing was sent twice, swallowed or answered by somebody else. */
function compare({ run }: LoadCommand, { units }: Outcome, before: Served, after: Served): void {
  const counted: Partial<Record<LoadCommand["run"], number>> = {
    short: after.hellos - before.hellos,
    pings: after.pings - before.pings,
    requests: after.requests - before.requests,
    streams: (after.orderedBytes - before.orderedBytes) / 1e9,
  };
  if (counted[run] !== units) throw new Error(`${run}: the load counted ${units}, the nodes ${counted[run]}`);
  if (after.wrong !== before.wrong) throw new Error(`${run}: nodes got ${after.wrong - before.wrong} wrong messages`);
}
