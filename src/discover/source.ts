/** A source only proposes addresses; the certificates that are shown there decide. */
import type { DiscoverSource } from "../config/values/discover-source.ts";
import { EdgeError } from "../errors.ts";

/** A machine that may be a node. */
export interface Candidate {
  readonly ip: string;
  /** What the source calls it; null: nothing. */
  readonly label: string | null;
}

export interface Source {
  readonly spec: DiscoverSource;
  /** From one look to the next, ms. */
  readonly everyMs: number;
  /** @throws EdgeError DISCOVER_FAILED */
  find(): Promise<readonly Candidate[]>;
}

/** What sources need of this machine. */
export interface SourceInput {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @param source As the operator wrote it. */
export function sourceFault(source: string, found: string, hint?: string): EdgeError {
  return new EdgeError("DISCOVER_FAILED", `Cannot discover ${source}: ${found}`, { hint });
}
