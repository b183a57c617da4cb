/** A tunnel on its way from one owner to another: what the kernel does not know of it. Plain and structured-cloneable. */
import type { Address } from "./snapshot.ts";

/** One of its two connections. */
export interface EndState {
  /** Of the process that has it; nobody reads or writes it now. */
  readonly fd: number;
  readonly remote: Address;
  /** What the other end sent and this one has not taken yet. */
  readonly unsent: Uint8Array;
  /** Its FIN was read. */
  readonly ended: boolean;
  /** It was sent FIN, as the other one had ended and all that it sent was taken. */
  readonly finished: boolean;
}

export interface TunnelState {
  readonly client: EndState;
  readonly node: EndState;
  /** Bytes so far. */
  readonly up: number;
  readonly down: number;
  /** Who ended first; null: both go on. */
  readonly first: "client" | "node" | "edge-lb" | null;
  /** How long nothing moved, ms. */
  readonly quietMs: number;
}
