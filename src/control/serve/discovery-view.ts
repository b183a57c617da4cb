/** What `--discover` is about, for those who look at the status. Discovery fills it. */

export interface SourceView {
  /** As the operator wrote it. */
  readonly source: string;
  /** Addresses that it proposed last; null: it was not asked to an end yet. */
  readonly addresses: number | null;
  /** Why it cannot be asked; null: it can. */
  readonly fault: string | null;
}

export interface DiscoveryStatus {
  readonly sources: readonly SourceView[];
  /** Addresses that were found and belong to no cluster here, each with why, and what to do. */
  readonly notes: readonly string[];
}

/** A network may be full of strangers. */
const NOTES_MOST = 100;

export class DiscoveryView {
  sources: readonly SourceView[] = [];
  notes: readonly string[] = [];

  /** @returns null: nothing is looked for */
  status(): DiscoveryStatus | null {
    const { sources, notes } = this;
    return sources.length === 0 ? null : { sources, notes: notes.slice(0, NOTES_MOST) };
  }
}
