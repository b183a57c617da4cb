/** What moves bytes from one connection to another in place of their sessions, as the connections see it. Types only. */
import type { CloseCause } from "../port.ts";

/** One direction of a pass or of a tunnel. */
export interface Transfer {
  /** More bytes of the sender are wanted. */
  readonly isUnfinished: boolean;
  /** The receiver has not taken yet what was moved. */
  readonly isBlocked: boolean;
  /** Bytes that arrived at the sender. */
  take(chunk: Uint8Array): void;
  /** The receiver took bytes that had waited. */
  advanced(): void;
  /** The receiver took all that had waited. */
  drained(): void;
  /** The sender's FIN, behind its last byte. */
  ended(): void;
  senderClosed(cause: CloseCause): void;
  receiverClosed(cause: CloseCause): void;
}
