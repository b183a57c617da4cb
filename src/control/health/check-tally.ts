/** What an endpoint's probes came to since it is known: for the columns and metrics that tell of the past. */
import type { Verdict } from "../../core/health/verdict.ts";

export interface Checks {
  /** Probes that did not pass. */
  readonly failed: number;
  /** How often it went out of service. */
  readonly downs: number;
  /** How long it was out of service in all. */
  readonly downSeconds: number;
  /** How long the newest probe took, ms; null: none has ended. */
  readonly lastMs: number | null;
}

/** What a pool came to. */
export type Outages = Pick<Checks, "downs" | "downSeconds">;

const IN_SERVICE: ReadonlySet<Verdict> = new Set(["up", "unknown"]);

export class CheckTally {
  private failed = 0;
  private downs = 0;
  private downMs = 0;
  private downFromMs: number | null = null;
  private lastMs: number | null = null;

  probed(passed: boolean, tookMs: number): void {
    if (!passed) this.failed += 1;
    this.lastMs = tookMs;
  }

  became(verdict: Verdict, nowMs: number): void {
    if (IN_SERVICE.has(verdict) === (this.downFromMs === null)) return;
    if (this.downFromMs === null) {
      this.downs += 1;
      this.downFromMs = nowMs;
    } else {
      this.downMs += nowMs - this.downFromMs;
      this.downFromMs = null;
    }
  }

  view(nowMs: number): Checks {
    const { failed, downs, lastMs, downFromMs } = this;
    const downMs = this.downMs + (downFromMs === null ? 0 : nowMs - downFromMs);
    return { failed, downs, lastMs, downSeconds: Math.round(downMs / 1_000) };
  }
}
