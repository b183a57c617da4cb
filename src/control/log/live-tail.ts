/** Who watches connections live: workers format lines for them while there is somebody, and only then. */

/** One who watches. Nothing is kept for it here: what it cannot take is its own loss. */
export interface Watcher {
  /** @param lines One JSON object each. @param dropped So many were lost on the way here before them. */
  take(lines: readonly string[], dropped: number): void;
}

export class LiveTail {
  private readonly watchers = new Set<Watcher>();
  private readonly onWatched: (on: boolean) => void;

  /** @param onWatched The first one came, or the last one left. */
  constructor(onWatched: (on: boolean) => void) {
    this.onWatched = onWatched;
  }

  get isWatched(): boolean {
    return this.watchers.size > 0;
  }

  /** @returns ends it */
  watch(watcher: Watcher): () => void {
    this.watchers.add(watcher);
    if (this.watchers.size === 1) this.onWatched(true);
    return () => {
      if (this.watchers.delete(watcher) && this.watchers.size === 0) this.onWatched(false);
    };
  }

  /** @param text Whole lines. */
  pass(text: string, dropped: number): void {
    const lines = text.split("\n").filter((line) => line !== "");
    for (const watcher of this.watchers) watcher.take(lines, dropped);
  }
}
