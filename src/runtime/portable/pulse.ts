/** Counting bytes as they move must cost neither a clock reading nor a timer per chunk. */

/** Something that counts bytes as they move and tells them later. */
export interface Flow {
  /** It moved bytes since the last flush; the pulse holds it. */
  dirty: boolean;
  flush(): void;
}

/** Flushes the flows that moved. */
export class Pulse {
  private waiting: Flow[] = [];
  private readonly beat: (flush: () => void) => void;
  private readonly flush = (): void => {
    const flows = this.waiting;
    this.waiting = [];
    for (const flow of flows) flow.flush();
  };

  /** @param beat Arranges for the flush: soon, but not for every chunk. */
  constructor(beat: (flush: () => void) => void) {
    this.beat = beat;
  }

  mark(flow: Flow): void {
    if (flow.dirty) return;
    flow.dirty = true;
    if (this.waiting.push(flow) === 1) this.beat(this.flush);
  }
}
