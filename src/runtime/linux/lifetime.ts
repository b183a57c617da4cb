/** How a connection begins and ends, who owns it meanwhile, and what its session hears of the end. */
import type { Address } from "../../seam/snapshot.ts";
import type { EndState } from "../../seam/tunnel-state.ts";
import { ERRNO } from "../kernel/libc.ts";
import type { Cancel, CloseCause, ConnEvents } from "../port.ts";
import type { Linger, Lingering } from "./linger.ts";
import type { Loop } from "./loop.ts";
import type { DialSocket } from "./sockets.ts";
import { type Joint, TransferEnd } from "./transfer.ts";
import type { Task, Watcher } from "./watcher.ts";

/** Dialing: `dialing` decides. Lingering: FIN was sent, what arrives is thrown away. Joined: two pumps read and write. */
export type ConnState = "dialing" | "open" | "lingering" | "joined" | "closed";

/** A dial that is under way. */
export interface Opening extends Task, Cancel {
  /** The first bytes could not leave; `rest` is valid during the call only. */
  refused(errno: number, rest: Uint8Array): void;
}

const NO_EVENTS: ConnEvents = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} };

export abstract class Lifetime extends TransferEnd implements Watcher, Task, Lingering {
  queued = false;
  protected phase: ConnState;
  protected events: ConnEvents = NO_EVENTS;
  /** Whoever waits for this connection to open. */
  protected dialing: Opening | null;
  /** Why it closed, until the session was told. */
  protected cause: CloseCause | null = null;
  protected linger: Linger | null = null;

  /**
   * @param socket null: accepted; else one of ours.
   * @param dialing Hears of the descriptor until `connected`; null: it is connected.
   */
  constructor(loop: Loop, fd: number, remote: Address, socket: DialSocket | null, dialing: Opening | null) {
    super(loop, fd, remote, socket);
    this.dialing = dialing;
    this.phase = dialing === null ? "open" : "dialing";
    loop.adopt(this, "connection");
  }

  abstract onReady(mask: number): void;
  abstract run(): void;

  get state(): ConnState {
    return this.phase;
  }

  protected override isClosed(): boolean {
    return this.phase === "closed";
  }

  /** The dial succeeded. */
  connected(): void {
    this.dialing = null;
    this.phase = "open";
  }

  /** The session it belongs to, unless that has handed it on already. */
  serve(events: ConnEvents): void {
    if (this.joint === null) this.events = events;
  }

  /** Take the connection away from its session, which hears nothing of it any more. */
  override joinBy(joint: Joint): void {
    super.joinBy(joint);
    this.events = NO_EVENTS;
    this.cause = null;
    if (this.phase !== "closed") this.phase = "joined";
  }

  protected assertOwn(): void {
    if (this.phase === "joined") throw new Error("Cannot use a connection after join: the runtime owns it");
  }

  /** For its session: it is told once the call that is under way is over. */
  destroy(): void {
    this.assertOwn();
    if (this.phase === "closed") return;
    this.cause = "destroyed";
    this.close(true);
    this.loop.soon(this);
  }

  fail(errno: number): void {
    this.end(errno === ERRNO.ETIMEDOUT || errno === ERRNO.EHOSTUNREACH ? "timeout" : "reset", true);
  }

  fault(error: unknown): void {
    this.loop.fault(error);
    this.end("fault", true);
  }

  /** Close and tell at once: only from the loop, never from inside a session's call. */
  end(cause: CloseCause, reset: boolean): void {
    if (this.phase === "closed") return;
    this.cause = cause;
    this.close(reset);
    this.tellClosed();
  }

  protected tellClosed(): void {
    const { cause, events } = this;
    if (cause === null) return;
    this.cause = null;
    this.events = NO_EVENTS;
    try {
      events.onClose(cause);
    } catch (error) {
      this.loop.fault(error);
    }
  }

  /**
   * Close the descriptor, with RST or FIN; whoever owns the connection is not told.
   * @param recycle A short connection of ours: its socket may serve again if it ended well.
   */
  close(reset: boolean, recycle = false): void {
    if (this.phase === "closed") return;
    this.abandonTransfers();
    this.phase = "closed";
    this.dialing = null;
    this.linger?.stop();
    this.disconnect(reset, recycle);
  }

  /** Before `giveAway`: what was sent is in the kernel, and nothing more arrives here. @returns False: its peer reset it. */
  quiesce(): boolean {
    this.settle();
    this.leaveRing();
    return !this.broken && this.arrivedEnd >= 0;
  }

  /** Its tunnel goes to another owner, and the descriptor with it. @param held Bytes for it, after those of its outbox. */
  giveAway(held: Uint8Array): EndState {
    this.phase = "closed";
    return this.letGo(held);
  }

  /** The runtime stops: end it as its owner expects. */
  shutDown(): void {
    if (this.joint !== null) this.joint.cut("shutdown");
    else if (this.dialing !== null) this.dialing.cancel();
    else this.destroy();
  }
}
