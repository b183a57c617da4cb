/** The new process until it leads, and while the old one still has something for it. */
import { Channel } from "../../handover/channel.ts";
import {
  HANDOVER_VARIABLE,
  HANDOVER_VERSION,
  type CarriedTunnel,
  type FromNew,
  type FromOld,
} from "../../handover/messages.ts";
import { serviceNamed } from "../../seam/services.ts";
import type { GivenTunnel } from "../../seam/tunnel-state.ts";
import type { Supervisor } from "../serve/supervisor.ts";
import { carryCounters, type ProcessFacts } from "./facts.ts";
import { TakenSockets } from "./given-sockets.ts";
import { arrived } from "./tunnel-keys.ts";

type Hello = Extract<FromOld, { kind: "hello" }>;

/** The old one speaks at once. */
const HELLO_MS = 10_000;
/** Until it is told to lead, a live old one always has something to say or ends. */
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;

export interface HeirInput {
  readonly supervisor: Supervisor;
  readonly release: string;
  /** Be edge-lb to everybody. @param facts null: the old one is gone without a word */
  lead(facts: ProcessFacts | null): Promise<void>;
}

export class Heir {
  readonly sockets: TakenSockets;
  readonly facts: ProcessFacts;
  private readonly channel: Channel<FromNew, FromOld>;
  private readonly hello: Hello;
  private readonly held = new Map<number, readonly GivenTunnel[]>();
  private isLeading = false;
  private worker = 0;
  /** What the old one says next follows at once. */
  private when: "soon" | "any time" = "any time";

  private constructor(channel: Channel<FromNew, FromOld>, hello: Hello, fds: readonly number[]) {
    this.channel = channel;
    this.hello = hello;
    this.sockets = new TakenSockets(hello.sockets, fds);
    this.facts = hello.facts as ProcessFacts;
  }

  /** @returns null: nobody started this process to take its place. @throws Error when whoever did says nothing sensible */
  static async find(env: NodeJS.ProcessEnv): Promise<Heir | null> {
    const fd = Number(env[HANDOVER_VARIABLE]);
    delete env[HANDOVER_VARIABLE];
    if (!Number.isInteger(fd) || fd < 3) return null;
    const { DescriptorSocket } = await import("../../runtime/kernel/rights.ts");
    const { outliveParent } = await import("../../runtime/kernel/orphans.ts");
    outliveParent();
    const channel = new Channel<FromNew, FromOld>(new DescriptorSocket(fd));
    const first = await channel.next(HELLO_MS);
    if (first?.message.kind !== "hello") throw new Error("Cannot take over: the old edge-lb said no hello");
    if (first.isShort) throw new Error("Cannot take over: no descriptors left");
    return new Heir(channel, first.message, first.fds);
  }

  /** What the operator is told before it is ready; the old one passes it on. */
  complain(text: string): void {
    if (!this.isLeading) void this.channel.send({ kind: "complaint", text: text.trim() }).catch(() => undefined);
  }

  /** @returns once this process leads; what the old one still sends is taken in the background */
  async takeOver(input: HeirInput): Promise<void> {
    carryCounters(input.supervisor, this.facts);
    const { release } = input;
    await this.channel.send({ kind: "ready", version: HANDOVER_VERSION, release, pid: process.pid });
    while (!this.isLeading) await this.take(input);
    void this.takeRest(input);
  }

  private async takeRest(input: HeirInput): Promise<void> {
    try {
      while (await this.take(input));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      input.supervisor.log.error("upgrade", `the old process is not heard any more: ${why}`);
    }
    this.channel.close();
  }

  /** @returns false: the old one has closed */
  private async take(input: HeirInput): Promise<boolean> {
    const next = await this.channel.next(FOR_EVER_MS, this.when);
    if (next === null) {
      // whoever had these tunnels is gone: nobody else touches them
      for (const batch of this.held.keys()) this.start(input.supervisor, batch);
      if (!this.isLeading) await this.lead(input, null);
      return false;
    }
    const { message, fds, isShort } = next;
    this.when = message.kind === "counted" ? "any time" : "soon";
    switch (message.kind) {
      case "tunnels":
        if (isShort) await this.refuse(message.batch, message.tunnels.length);
        else await this.hold(input.supervisor, message.batch, message.tunnels, fds);
        break;
      case "start":
        this.start(input.supervisor, message.batch);
        break;
      case "lead":
        await this.lead(input, message.facts as ProcessFacts);
        await this.channel.send({ kind: "leading" });
        break;
      case "counted":
        carryCounters(input.supervisor, message.facts as ProcessFacts);
        break;
      case "hello":
        break;
    }
    return true;
  }

  private refuse(batch: number, count: number): Promise<void> {
    const refused = Array.from({ length: count }, (_, index) => index);
    return this.channel.send({ kind: "held", batch, refused, why: "the new one has no descriptors left" });
  }

  private async hold(
    { cells, snapshot }: Supervisor,
    batch: number,
    tunnels: readonly CarriedTunnel[],
    fds: readonly number[],
  ): Promise<void> {
    const { closeDescriptor } = await import("../../runtime/kernel/rights.ts");
    const held: GivenTunnel[] = [];
    const refused: number[] = [];
    for (const [index, tunnel] of tunnels.entries()) {
      const [client = -1, node = -1] = fds.slice(index * 2, index * 2 + 2);
      if (serviceNamed(snapshot.services, tunnel.record.listener) === undefined) {
        refused.push(index);
        closeDescriptor(client);
        closeDescriptor(node);
      } else held.push(arrived(tunnel, [client, node], cells));
    }
    this.held.set(batch, held);
    await this.channel.send({ kind: "held", batch, refused });
  }

  /** Worker by worker, so that each has its share. */
  private start({ pool, workers }: Supervisor, batch: number): void {
    const shares: GivenTunnel[][] = Array.from({ length: workers }, () => []);
    for (const tunnel of this.held.get(batch) ?? []) shares[this.worker++ % workers]?.push(tunnel);
    this.held.delete(batch);
    for (const [worker, tunnels] of shares.entries())
      if (tunnels.length > 0) pool.post(worker, { kind: "take", tunnels });
  }

  private async lead(input: HeirInput, facts: ProcessFacts | null): Promise<void> {
    await input.lead(facts);
    this.isLeading = true;
  }

  /** Of the old one. */
  get before(): Pick<Hello, "release" | "pid"> {
    return this.hello;
  }
}
