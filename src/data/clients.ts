/** What is computed of a client's address, kept for those that came lately: most come again and again. */
import { clientKey } from "../core/balance/hash.ts";
import { clientSlot } from "../core/client-slot.ts";

export interface KnownClient {
  /** What the policy `source` hashes. */
  readonly key: number;
  /** Where its connections are counted. */
  readonly slot: number;
}

/** All are forgotten when there are more. */
const KNOWN = 4_096;

export class Clients {
  private readonly seed: ArrayLike<number>;
  private readonly known = new Map<string, KnownClient>();

  /** @param seed the board's */
  constructor(seed: ArrayLike<number>) {
    this.seed = seed;
  }

  /** @param ip canonical */
  of(ip: string): KnownClient {
    const before = this.known.get(ip);
    if (before !== undefined) return before;
    if (this.known.size === KNOWN) this.known.clear();
    const client: KnownClient = { key: clientKey(ip), slot: clientSlot(ip, this.seed) };
    this.known.set(ip, client);
    return client;
  }
}
