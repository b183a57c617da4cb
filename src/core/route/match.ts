/** Why a connection goes where it goes. */

/** What decided: the kind of claim that matched a name, the client's address, or `--default`. */
export type RouteRule = "exact" | "below" | "labels" | "rest" | "client" | "default";

/** The claim that a name matched, as `explain` shows it. */
export interface RouteMatch {
  /** Index into the snapshot's clusters. */
  readonly cluster: number;
  readonly rule: RouteRule;
  /** The claim's name as in the snapshot: `api.hub.lab`, `apps.hub.lab`, `api.hub`, `apps.hub`; of a client its address or range. */
  readonly claim: string;
}
