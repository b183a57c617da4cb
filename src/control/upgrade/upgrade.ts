/**
 * The old process: starts its successor, gives it the listening sockets, then every tunnel, then its place. Until the
 * successor leads, nothing is given up: whatever fails, all that is here goes on.
 */
import { HANDOVER_VERSION } from "../../handover/messages.ts";
import { EdgeError } from "../../errors.ts";
import type { GivenTunnel } from "../../seam/tunnel-state.ts";
import { closeDescriptor } from "../../runtime/kernel/rights.ts";
import type { Supervisor } from "../serve/supervisor.ts";
import { countsOf, type ProcessFacts } from "./facts.ts";
import type { GivenSocket } from "./given-sockets.ts";
import { Successor } from "./successor.ts";
import { carried, socketsOf } from "./tunnel-keys.ts";
import { failure, type Program, type Upgraded } from "./upgraded.ts";

export interface UpgradeInput {
  readonly supervisor: Supervisor;
  readonly release: string;
  /** What runs here, with the arguments it was started with. */
  readonly program: Program;
  readonly sockets: readonly GivenSocket[];
  facts(): ProcessFacts;
  /** What only one process can have is let go, as the successor is about to take it. */
  letGo(successorPid: number): void;
  /** The successor is gone, and whatever it had of that is ours again. */
  takeBack(): Promise<void>;
}

const READY_MS = 30_000;
const STEP_MS = 10_000;
/** A machine may be so busy that one of the two does not run for seconds. */
const HELD_MS = 30_000;
/** Tunnels that are given together: they rest while their message travels. */
const BATCH = 32;
/** Clients that come meanwhile become tunnels too; after this the rest moves later. */
const MOVE_MS = 60_000;
/** How often what became a tunnel after that is looked for. */
const LATER_MS = 100;
/** Those that cannot move end by themselves. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** What the new one made of a batch, by places in its list. */
interface Held {
  readonly refused: ReadonlySet<number>;
  readonly why: string | undefined;
}

export class Upgrade {
  private readonly input: UpgradeInput;
  private readonly successor: Successor;
  private batch = 0;
  private moved = 0;
  private restMs = 0;
  /** Why tunnels stay; null: they move. */
  private note: string | null = null;
  private stopped = false;
  /** The successor leads, and has what was there then. */
  private isOver = false;
  /** The counts that the new one knows. */
  private told = "";

  private constructor(input: UpgradeInput, successor: Successor) {
    this.input = input;
    this.successor = successor;
  }

  /**
   * @param to Null: what stands at our own path now.
   * @returns once the successor leads and the tunnels are there. @throws EdgeError UPGRADE_FAILED with nothing changed
   */
  static async begin(
    input: UpgradeInput,
    to: string | null,
  ): Promise<{ readonly done: Upgraded; readonly upgrade: Upgrade }> {
    const { program } = input;
    const file = to ?? program.file;
    const successor = Successor.start(to === null ? program : { file, before: [], args: program.args }, process.env);
    const upgrade = new Upgrade(input, successor);
    try {
      return { done: await upgrade.run(), upgrade };
    } catch (error) {
      await successor.kill();
      await input.takeBack();
      throw error instanceof EdgeError ? error : failure(file, error instanceof Error ? error.message : String(error));
    }
  }

  private async run(): Promise<Upgraded> {
    const { supervisor, release, facts, sockets: given } = this.input;
    const sockets = given.map(({ fd: _ours, ...socket }) => socket);
    const hello = { kind: "hello", version: HANDOVER_VERSION, release, pid: process.pid, sockets } as const;
    await this.successor.send(
      { ...hello, facts: facts() },
      given.map(({ fd }) => fd),
    );
    const ready = await this.successor.next("ready", READY_MS);
    if (ready.version !== HANDOVER_VERSION)
      this.note = `release ${ready.release} cannot take tunnels of release ${release}`;
    this.input.letGo(this.successor.pid);
    await this.successor.send({ kind: "lead", facts: facts() });
    await this.successor.next("leading", STEP_MS);
    // last, since they would end with it if it failed now
    await this.moveAll();
    await this.tellCounts();
    return {
      release: ready.release,
      pid: ready.pid,
      moved: this.moved,
      restMs: this.restMs,
      stayed: supervisor.open(),
      note: this.note,
    };
  }

  /** After the successor leads: what is open here ends or becomes a tunnel, which moves too. @returns when nothing is left here */
  async finish(): Promise<void> {
    const { supervisor } = this.input;
    this.isOver = true;
    const stopping = supervisor.stop(this.note === null ? undefined : NEVER_MS).then(() => (this.stopped = true));
    while (!this.stopped) {
      await Promise.race([stopping, new Promise((resolve) => void setTimeout(resolve, LATER_MS))]);
      if (this.stopped) break;
      await this.moveAll().catch((error: unknown) => this.stay(error));
      await this.tellCounts();
    }
    await stopping;
    await this.tellCounts();
    this.successor.release();
  }

  /** Whoever asks the new one sees what is still counted here. */
  private async tellCounts(): Promise<void> {
    const facts = countsOf(this.input.supervisor);
    const text = JSON.stringify(facts);
    if (text === this.told) return;
    this.told = text;
    await this.successor.send({ kind: "counted", facts }).catch(() => undefined);
  }

  private stay(error: unknown): void {
    this.note = error instanceof Error ? error.message : String(error);
    this.input.supervisor.log.error("upgrade", `tunnels stay in the old process: ${this.note}`);
  }

  private async moveAll(): Promise<void> {
    const deadline = performance.now() + MOVE_MS;
    while (this.note === null && performance.now() < deadline) {
      let found = 0;
      for (let worker = 0; worker < this.input.supervisor.workers; worker++) found += await this.moveSome(worker);
      if (found === 0) return;
    }
  }

  /** @returns how many of this worker there were */
  private async moveSome(worker: number): Promise<number> {
    const { pool } = this.input.supervisor;
    const startMs = performance.now();
    const tunnels = await pool.give(worker, BATCH);
    if (tunnels.length === 0) return 0;
    const batch = ++this.batch;
    const held = await this.hold(worker, batch, tunnels);
    const started = this.successor.send({ kind: "start", batch });
    this.settle(worker, tunnels, held);
    await started;
    this.restMs = Math.max(this.restMs, performance.now() - startMs);
    return tunnels.length;
  }

  /** @returns which of them the new one has. @throws Error when it has none, and they go on here */
  private async hold(worker: number, batch: number, tunnels: readonly GivenTunnel[]): Promise<Held> {
    const { pool, cells } = this.input.supervisor;
    try {
      const message = { kind: "tunnels", batch, tunnels: tunnels.map((tunnel) => carried(tunnel, cells)) } as const;
      await this.successor.send(message, tunnels.flatMap(socketsOf));
      const { refused, why } = await this.successor.next("held", HELD_MS, "soon");
      return { refused: new Set(refused), why };
    } catch (error) {
      // one that serves tunnels already is not ended for the sake of these: should it still live, it may have them
      if ((this.isOver || this.moved > 0) && this.successor.isAlive) {
        this.stay(error);
        return { refused: new Set(), why: undefined };
      }
      // it must not touch them any more before they go on here
      await this.successor.kill();
      pool.post(worker, { kind: "take", tunnels });
      throw error;
    }
  }

  /** Those that are held are not ours any more. */
  private settle(worker: number, tunnels: readonly GivenTunnel[], { refused, why }: Held): void {
    const staying = tunnels.filter((_, index) => refused.has(index));
    if (staying.length > 0) {
      this.note = why ?? "the new one has no such service";
      this.input.supervisor.pool.post(worker, { kind: "take", tunnels: staying });
    }
    for (const [index, tunnel] of tunnels.entries()) {
      if (refused.has(index)) continue;
      for (const fd of socketsOf(tunnel)) closeDescriptor(fd);
    }
    this.moved += tunnels.length - staying.length;
  }
}
