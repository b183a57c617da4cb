/** The PROXY header that comes before everything from peers of `accept-proxy`, and from nobody else. */
import { inAny } from "../core/access.ts";
import { ProxyHeaderReader } from "../core/proxy-header.ts";
import type { Ends } from "../core/proxy-protocol.ts";
import type { Conn } from "../runtime/port.ts";
import { enterNamed } from "./admission.ts";
import type { Plane } from "./plane.ts";

/** A session whose client is not known before the header. */
export interface HeaderOwner {
  readonly plane: Plane;
  readonly conn: Conn;
  ends: Ends;
  clientKey: number;
  clientSlot: number;
}

export type TakenHeader =
  | { readonly kind: "need-more" }
  | { readonly kind: "bad"; readonly fault: string }
  /** The client is over a limit, in words. */
  | { readonly kind: "limit"; readonly limit: string }
  /** The client is known; what came behind the header, if anything did. */
  | { readonly kind: "rest"; readonly rest: Uint8Array };

/** What is wrong with half a header. */
export const CUT_OFF = "it ended in the middle";

/** @returns null: this connection begins with what its client says */
export function headerOf({ live }: Plane, { remote }: Conn): ProxyHeaderReader | null {
  const { acceptProxy } = live.snapshot;
  return acceptProxy.length > 0 && inAny(acceptProxy, remote.ip) ? new ProxyHeaderReader() : null;
}

/** Once the header is whole, the owner's client is the one it names, and counts as such. */
export function takeHeader(owner: HeaderOwner, header: ProxyHeaderReader, chunk: Uint8Array): TakenHeader {
  const taken = header.take(chunk);
  if (taken.kind !== "header") return taken;
  const { plane, conn } = owner;
  owner.ends = taken.ends ?? conn;
  const { key, slot } = plane.clients.of(owner.ends.remote.ip);
  owner.clientKey = key;
  owner.clientSlot = slot;
  const limit = enterNamed(plane, owner.clientSlot);
  return limit === null ? { kind: "rest", rest: taken.rest } : { kind: "limit", limit };
}
