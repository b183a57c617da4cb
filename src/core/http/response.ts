/** What a node's answer says, from its head: how it is framed and what becomes of the connection to the node. */
import { FIELD } from "./field.ts";
import {
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
  | "body where none may be"
  | "upgrade nobody asked for"
  | "upgrade before the body's end"
  | "chunked for HTTP/1.0"
  | "chunk"
  | "trailer";

export interface Response {
  readonly kind: "response";
  readonly status: number;
  readonly minor: 0 | 1;
  readonly framing: Framing;
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
  const declared = declaredFraming(head, minor);
  if (typeof declared === "string") return bad(declared);
  const connection = connectionOptions(head);
  if (connection === null) return bad("connection names a framing field");
  const framing = bodyFraming(status, request, declared);
  if (typeof framing === "string") return bad(framing);
  const switched = status === 101;
  if (switched && (!request.upgrade || findField(head, FIELD.upgrade) < 0)) return bad("upgrade nobody asked for");
  return {
    kind: "response",
    status,
    minor,
    framing,
    close: minor === 0 || connection.close || framing.kind === "close",
    switched,
    upgrade: switched || status === 426,
    hopByHop: connection.names,
  };
}

function bad(fault: ResponseFault): BadResponse {
  return { kind: "bad", fault };
}

/** RFC 9112 §6.3: 1xx, 204, 304 and answers to HEAD end with their head, whatever it declares. */
function bodyFraming(status: number, request: Request, declared: Framing | null): Framing | ResponseFault {
  if (status < 200 || status === 204) {
    // a length here is forbidden (RFC 9110 §8.6), and a reader that believed it would take the next answer for a body; zero is harmless
    return declared === null || declared.kind === "none" ? NO_BODY : "body where none may be";
  }
  if (status === 304 || request.method === "HEAD") return NO_BODY;
  if (declared === null) return UNTIL_CLOSE;
  // such a client cannot read chunks, and the node had to know: the request said HTTP/1.0 (RFC 9112 §6.1)
  return declared.kind === "chunked" && request.minor === 0 ? "chunked for HTTP/1.0" : declared;
}
