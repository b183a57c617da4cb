/** A tunnel on its way from one owner to another: what the kernel does not know of it. Plain and structured-cloneable. */
import type { ServiceName } from "./services.ts";
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

/** What the log will say of it, as far as it is known before its end. */
export interface TunnelRecord {
  readonly listener: ServiceName;
  readonly client: Address;
  /** The name asked for, canonical; null: none. */
  readonly name: string | null;
  readonly cluster: string | null;
  /** The endpoint as ip:port. */
  readonly node: string | null;
  /** 0 on a kept connection; null: no node was reached. */
  readonly dialMs: number | null;
  /** More words for the operator: the nearest known name, what is malformed. */
  readonly note: string | null;
  readonly http: HttpRecord | null;
  /** Endpoints dialled. */
  readonly attempts: number;
}

export interface HttpRecord {
  readonly method: string;
  readonly target: string;
  /** As in the status line; 0: none was sent. */
  readonly status: number;
  /** From the dial's end, or the request on a kept connection, to the answer's first byte; null: none came. */
  readonly answerMs: number | null;
}

/** Where a connection to a node is counted: the board cells of its cluster, pool and endpoint. */
export interface Cells {
  readonly cluster: number;
  readonly pool: number;
  readonly endpoint: number;
}

/** A tunnel as a worker gives it away: its sockets, and all that is counted, logged and limited of it. */
export interface GivenTunnel {
  readonly state: TunnelState;
  readonly record: TunnelRecord;
  readonly cells: Cells;
  /** How long ago its client was accepted, or its request came, ms. */
  readonly ageMs: number;
  readonly idleMs: number;
  readonly halfClosedMs: number;
  /** Counted before it was joined. */
  readonly soFar: { readonly up: number; readonly down: number };
}
