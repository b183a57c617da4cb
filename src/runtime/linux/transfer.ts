/** What moves bytes from one connection to another in place of their sessions, as the connections see it. */
import { Stream } from "./stream.ts";

/** One direction of a pass or of a tunnel. */
export interface Transfer {
  /** Move what can be moved now. */
  run(): void;
  /** One of the two connections goes away. */
  abandon(): void;
}

/** Whoever joined two connections: one transfer each way. */
export interface Joint {
  cut(reason: "shutdown"): void;
}

/** A stream that a transfer may read and another one may write. */
export abstract class TransferEnd extends Stream {
  /** Takes what arrives here to another connection; null: the session reads. */
  protected reader: Transfer | null = null;
  /** Brings what another connection sent; null: the session writes. */
  protected feeder: Transfer | null = null;
  protected joint: Joint | null = null;

  /** `transfer` takes what arrives here. */
  readBy(transfer: Transfer): void {
    this.reader = transfer;
  }

  /** `transfer` writes here. */
  feedBy(transfer: Transfer): void {
    this.feeder = transfer;
  }

  get isRead(): boolean {
    return this.reader !== null;
  }

  get isFed(): boolean {
    return this.feeder !== null;
  }

  /** The transfer has done with this connection. */
  leave(transfer: Transfer): void {
    if (this.reader === transfer) this.reader = null;
    if (this.feeder === transfer) this.feeder = null;
  }

  joinBy(joint: Joint): void {
    this.joint = joint;
  }

  get isJoined(): boolean {
    return this.joint !== null;
  }

  protected abandonTransfers(): void {
    this.reader?.abandon();
    this.feeder?.abandon();
  }
}
