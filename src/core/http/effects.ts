/** What an HTTP session asks of its surroundings: `data/` implements it with sockets, tests with lists. */
import type { DataTimeouts } from "../../seam/snapshot.ts";
import type { ClientInfo } from "./forward.ts";
import type { HeadLimits } from "../message/head.ts";
import type { EndWord, Reply } from "./reply.ts";
import type { Request, RequestHead } from "../message/request.ts";

/** A snapshot has them. */
export interface SessionSettings {
  readonly limits: HeadLimits;
  /**
   * `httpHead`: from the first byte of a head to its last, on a new connection from accept. `httpBody`: between two bytes of a request's
   * body. `keepAlive`: between an answer and the next request.
   */
  readonly timeouts: Pick<DataTimeouts, "httpHead" | "httpBody" | "keepAlive">;
}

/** The request is forwarded, to the node that `start` finds. */
export interface Forward {
  readonly kind: "forward";
  /** Without a byte either way for this long, the request ends. */
  readonly idleMs: number;
  readonly client: ClientInfo;
}

/** What became of a request's first bytes: written, written but write no more until `nodeDrain`, or held until `nodeOpen`. */
export type Started = "open" | "full" | "dialing";

export interface ExchangeEnd {
  readonly end: EndWord;
  readonly note: string | null;
  /** Sent to the client; 0: none. */
  readonly status: number;
  /** Bytes to the node and to the client, heads included. */
  readonly up: number;
  readonly down: number;
}

export interface SessionEffects {
  nowMs(): number;
  wallMs(): number;
  /** Where to? Decides only; `start` follows at once unless it is a reply or the body turns out malformed. */
  route(request: Request, head: RequestHead): Forward | Reply;
  /**
   * Send to the node of the last `route`: on the open connection if it leads there, else after dialing. With "dialing", `first` stays as
   * it is until `nodeOpen` or `nodeFailed` is called.
   */
  start(first: Uint8Array): Started;
  /** The open connection turned out to be dead: dial again, with the same rules as `start`. */
  restart(first: Uint8Array): void;
  /** False: write nothing more until the drain. */
  toNode(bytes: Uint8Array): boolean;
  toClient(bytes: Uint8Array): boolean;
  readNode(on: boolean): void;
  readClient(on: boolean): void;
  /** Move the next bytes unseen; `passedUp` or `passedDown` follow. */
  passUp(bytes: number): void;
  /** Bytes for the node wait, because it takes none; asked while bytes are moved unseen. */
  nodeIsFull(): boolean;
  passDown(bytes: number): void;
  /** Both connections speak another protocol from here on; the lists were read and not written. Nothing is called after this. */
  join(
    request: Request | null,
    toNode: readonly Uint8Array[],
    toClient: readonly Uint8Array[],
    soFar: ExchangeEnd,
  ): void;
  /** End the connection to the node, or give up dialing. @param clean Nothing is under way on it: its FIN may be answered by one. */
  closeNode(clean: boolean): void;
  /** FIN after what was written, linger. Of the client only `clientLeft` is told after this. */
  closeClient(): void;
  /** RST: the client must not take what it got for complete. */
  destroyClient(): void;
  /** Once per request. `request` is null when there was none that could be read. */
  ended(request: Request | null, end: ExchangeEnd): void;
}
