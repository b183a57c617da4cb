/** Notices when a busy time is over, the start included: then is the time to tidy up. */

const LOOK_MS = 2_000;
/** Share of one CPU's time between two looks; timers alone take a third of it. */
const QUIET = 0.025;

export interface QuietInput {
  readonly onQuiet: () => void;
  /** CPU time of this process so far, in ms. */
  readonly usedMs?: () => number;
  readonly now?: () => number;
}

export class QuietWatch {
  private readonly input: Required<QuietInput>;
  private used = 0;
  private at: number;
  private wasBusy = true;

  constructor(input: QuietInput) {
    this.input = { usedMs: cpuMs, now: () => performance.now(), ...input };
    this.at = this.input.now();
    this.used = this.input.usedMs();
  }

  start(): void {
    setInterval(() => this.look(), LOOK_MS).unref();
  }

  look(): void {
    const [used, at] = [this.input.usedMs(), this.input.now()];
    const share = (used - this.used) / (at - this.at);
    this.used = used;
    this.at = at;
    const isBusy = share > QUIET;
    if (this.wasBusy && !isBusy) this.input.onQuiet();
    this.wasBusy = isBusy;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
