/**
 * What an old and a new edge-lb say to each other while one takes the other's place. Everything here but `tunnels` is said
 * the same way by every version; what a version does not know in a message it leaves aside.
 */
import type { GivenTunnel } from "../seam/tunnel-state.ts";

/** Grows when tunnels are described otherwise: then they stay where they are. */
export const HANDOVER_VERSION = 1;
/** The new one finds its end of the connection at the descriptor that this names. */
export const HANDOVER_VARIABLE = "EDGE_LB_HANDOVER";

/** Control's facts of the old one: plain, and read by what each one means, so that both sides may know different ones. */
export type HandoverFacts = Readonly<Record<string, unknown>>;

/** A listening socket. */
export interface CarriedSocket {
  /** A service's name, `admin` or `control`. */
  readonly kind: string;
  readonly ip: string;
  readonly port: number;
  /** Of a unix socket; null: it is none. */
  readonly path: string | null;
  /** The service manager made it, and keeps it. */
  readonly isPassed: boolean;
}

/** From the old one. */
export type FromOld =
  /** First. Its descriptors are the listening sockets, in order. */
  | {
      readonly kind: "hello";
      readonly version: number;
      readonly release: string;
      readonly pid: number;
      readonly sockets: readonly CarriedSocket[];
      readonly facts: HandoverFacts;
    }
  /** Hold these, and do not touch their sockets before `start`. Two descriptors for each, the client's first. */
  | { readonly kind: "tunnels"; readonly batch: number; readonly tunnels: readonly CarriedTunnel[] }
  /** The tunnels of this batch that were held are the new one's. */
  | { readonly kind: "start"; readonly batch: number }
  /** Be edge-lb: the old one has let go of what only one can have. */
  | { readonly kind: "lead"; readonly facts: HandoverFacts }
  /** What the old one has counted by now. */
  | { readonly kind: "counted"; readonly facts: HandoverFacts };

/** From the new one. */
export type FromNew =
  /** What it says to its operator before it is ready. */
  | { readonly kind: "complaint"; readonly text: string }
  /** It accepts. */
  | { readonly kind: "ready"; readonly version: number; readonly release: string; readonly pid: number }
  /** It has them; those at these places in the list it does not want. */
  | { readonly kind: "held"; readonly batch: number; readonly refused: readonly number[]; readonly why?: string }
  /** Its control socket answers. */
  | { readonly kind: "leading" };

/** A tunnel between processes: what counts it goes by the keys of its cells, as their numbers differ. */
export interface CarriedTunnel extends Omit<GivenTunnel, "cells"> {
  readonly keys: { readonly cluster: string; readonly pool: string; readonly endpoint: string };
}
