/** What a node's answer says, from its head: how it is framed and what becomes of the connection to the node. */
import { FIELD } from "./field.ts";
import {
  CHUNKED,
  connectionOptions,
  declaredFraming,
  findField,
  NO_BODY,
  UNTIL_CLOSE,
  type Framing,
  type FramingFault,
} from "./framing.ts";
import type { HeadFault, HeadReader } from "./head.ts";
import type { Request } from "./request.ts";
import type { StatusLine } from "./start-line.ts";

export type ResponseHead = HeadReader<StatusLine>;

/** Why a node's answer is not forwarded. */
export type ResponseFault =
  | HeadFault
  | FramingFault
  | "connection names a framing field"
  | "upgrade nobody asked for"
  | "upgrade before the body's end"
  | "chunk"
  | "trailer";

export interface Response {
  readonly kind: "response";
  readonly status: number;
  readonly minor: 0 | 1;
  readonly framing: Framing;
  /** Content-Length and Transfer-Encoding say what is not so: they end here. */
  readonly unframed: boolean;
  /** Only the close ends the body for the client, which knows no chunks: they and Transfer-Encoding end here. */
  readonly unchunked: boolean;
  /** The node's connection cannot be used again. */
  readonly close: boolean;
  /** The node speaks another protocol from here on. */
  readonly switched: boolean;
  /** Keep the Upgrade fields: they answer, or tell what to ask for (426). */
  readonly upgrade: boolean;
  /** Lower-case names of the fields that Connection lists. */
  readonly hopByHop: readonly string[];
}

export interface BadResponse {
  readonly kind: "bad";
  readonly fault: ResponseFault;
}

/** @param head With state "done". */
export function readResponse(head: ResponseHead, request: Request): Response | BadResponse {
  const { status, minor } = head.start;
  const bodiless = isBodiless(status);
  const declared = declaredFraming(head, minor);
  if (typeof declared === "string" && !bodiless) return bad(declared);
  const connection = connectionOptions(head);
  if (connection === null) return bad("connection names a framing field");
  const switched = status === 101;
  if (switched && (!request.upgrade || findField(head, FIELD.upgrade) < 0)) return bad("upgrade nobody asked for");
  const framing = bodiless || request.method === "HEAD" ? NO_BODY : framingOf(declared);
  // a node that announces a body where none can be may send it, too: its next answer would begin with that
  const misframed = bodiless && declared !== null && declared !== NO_BODY;
  return {
    kind: "response",
    status,
    minor,
    framing,
    unframed: bodiless && declared !== null,
    unchunked: request.minor === 0 && declared === CHUNKED,
    close: minor === 0 || connection.close || framing.kind === "close" || misframed,
    switched,
    upgrade: switched || status === 426,
    hopByHop: connection.names,
  };
}

function bad(fault: ResponseFault): BadResponse {
  return { kind: "bad", fault };
}

/** Such an answer ends with its head, whatever that declares; RFC 9112 §6.3. */
function isBodiless(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}

function framingOf(declared: Framing | FramingFault | null): Framing {
  return declared === null || typeof declared === "string" ? UNTIL_CLOSE : declared;
}
