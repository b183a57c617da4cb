/** Clusters that leave by themselves: `ttl=` from their start on, `until=` at a time. */
import type { ClusterConfig, Config } from "../../config/model.ts";
import { durationText, INSTANT } from "../../config/values/values.ts";

interface Due {
  /** What was said of it: another ttl or time begins anew. */
  readonly said: string;
  /** Of the monotonic clock, for `ttl`; a clock that is set does not shorten it. */
  readonly monotonicMs: number | null;
  readonly wallMs: number | null;
}

/** The same for another process; the monotonic time as what is left. */
export interface ExpiryFacts {
  readonly cluster: string;
  readonly said: string;
  readonly leftMs: number | null;
  readonly wallMs: number | null;
}

export interface ExpiryClock {
  nowMs(): number;
  wallMs(): number;
}

const SYSTEM: ExpiryClock = { nowMs: () => performance.now(), wallMs: () => Date.now() };

export class ClusterExpiry {
  private readonly clock: ExpiryClock;
  private readonly due = new Map<string, Due>();
  private known: Config["clusters"] | null = null;

  constructor(clock: ExpiryClock = SYSTEM) {
    this.clock = clock;
  }

  /** Takes over what is served now. @returns the clusters that have to leave, and why */
  look({ clusters }: Pick<Config, "clusters">): ReadonlyMap<string, string> {
    if (clusters !== this.known) this.follow(clusters);
    const [nowMs, wallMs] = [this.clock.nowMs(), this.clock.wallMs()];
    const gone = new Map<string, string>();
    for (const [name, due] of this.due) {
      if ((due.monotonicMs ?? Infinity) <= nowMs || (due.wallMs ?? Infinity) <= wallMs) gone.set(name, due.said);
    }
    return gone;
  }

  /** It was added just now, perhaps once more: its time begins. */
  renew(name: string): void {
    this.due.delete(name);
    this.known = null;
  }

  /** When it leaves, ms since 1970; null: it stays. */
  at(name: string): number | null {
    const due = this.due.get(name);
    if (due === undefined) return null;
    const { monotonicMs, wallMs } = due;
    return monotonicMs === null ? wallMs : Math.round(this.clock.wallMs() + monotonicMs - this.clock.nowMs());
  }

  facts(): readonly ExpiryFacts[] {
    const nowMs = this.clock.nowMs();
    return [...this.due].map(([cluster, { said, monotonicMs, wallMs }]) => ({
      cluster,
      said,
      leftMs: monotonicMs === null ? null : monotonicMs - nowMs,
      wallMs,
    }));
  }

  /** The time of these clusters began in the process before; what is said otherwise of them by now begins anew. */
  carry(facts: readonly ExpiryFacts[]): void {
    const nowMs = this.clock.nowMs();
    for (const { cluster, said, leftMs, wallMs } of facts)
      this.due.set(cluster, { said, monotonicMs: leftMs === null ? null : nowMs + leftMs, wallMs });
    this.known = null;
  }

  private follow(clusters: readonly ClusterConfig[]): void {
    this.known = clusters;
    const names = new Set(clusters.map(({ name }) => name));
    for (const name of this.due.keys()) if (!names.has(name)) this.due.delete(name);
    for (const cluster of clusters) this.note(cluster);
  }

  private note({ name, ttlMs, untilMs }: ClusterConfig): void {
    const ttl = ttlMs === null ? "" : `ttl ${durationText(ttlMs)}`;
    const said = untilMs === null ? ttl : `until ${INSTANT.show(untilMs)}`;
    if (this.due.get(name)?.said === said) return;
    if (said === "") {
      this.due.delete(name);
      return;
    }
    const monotonicMs = ttlMs === null ? null : this.clock.nowMs() + ttlMs;
    this.due.set(name, { said, monotonicMs, wallMs: untilMs });
  }
}
