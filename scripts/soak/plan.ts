/**
 * What one connection of the soak does, drawn from a seed by the client and carried to the node in the first bytes.
 * Both directions are a known pattern that starts at a place given by the seed, so that every byte of every stream is
 * compared, not only counted.
 */

/** Longer than any hello's first segment needs to be, and a prime, so that a lost or doubled piece shifts all behind it. */
const BLOCK_BYTES = 1_048_573;
export const HEADER_BYTES = 64;
const MAGIC = 0x50_41_4b_45;

/** - short: hello and answer, like a TLS handshake that ends; tunnel: any sizes; pass: counted bodies first; bulk: big. */
export const KINDS = ["short", "tunnel", "pass", "bulk"] as const;
export type Kind = (typeof KINDS)[number];

export interface Plan {
  readonly kind: Kind;
  readonly seed: number;
  /** Bytes after the header, to the node and to the client. */
  readonly up: number;
  readonly down: number;
  /** Which end resets after this many received bytes; -1: neither. */
  readonly clientResetAt: number;
  readonly nodeResetAt: number;
  /** Milliseconds for which an end stops reading after its first bytes; 0: does not. */
  readonly clientStallMs: number;
  readonly nodeStallMs: number;
  /** The node finishes only when the client has: half-closed in between. */
  readonly nodeWaits: boolean;
  /** The client finishes only when the node has. Never both. */
  readonly clientWaits: boolean;
  /** Both ends write little by little: the relay never sees enough at once to splice, and a stall fills its sink all the same. */
  readonly drips: boolean;
}

/** A small, fast, seeded source of numbers in [0, 1) (mulberry32's mixing). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** More than both socket buffers of a stalled sink take. */
const DRIPPING = { up: 9_000_000, down: 9_000_000, clientStallMs: 900, nodeStallMs: 900, drips: true } as const;

export function drawPlan(kind: Kind, seed: number, bulkBytes: number): Plan {
  const random = randomFrom(seed);
  const fixed = { kind, seed, clientResetAt: -1, nodeResetAt: -1, clientStallMs: 0, nodeStallMs: 0, drips: false };
  const waits = random();
  const order = { nodeWaits: waits < 0.4, clientWaits: waits >= 0.4 && waits < 0.8 };
  if (kind === "short") return { ...fixed, up: 453, down: 200, nodeWaits: waits < 0.9, clientWaits: waits >= 0.9 };
  if (kind === "bulk") return { ...fixed, ...order, up: random() < 0.5 ? bulkBytes : 1_000, down: bulkBytes };
  if (random() < 0.03) return { ...fixed, ...order, ...DRIPPING };
  const size = (): number => Math.floor(random() ** 6 * 2_000_000);
  const [up, down] = [size(), size()];
  const resets = random();
  const stalls = (): number => (random() < 0.2 ? Math.ceil(random() * 60) : 0);
  return {
    ...fixed,
    ...order,
    up,
    down,
    clientResetAt: resets < 0.1 ? Math.floor(random() * down) : -1,
    nodeResetAt: resets >= 0.1 && resets < 0.2 ? Math.floor(random() * up) : -1,
    clientStallMs: stalls(),
    nodeStallMs: stalls(),
  };
}

/** True when both ends must get every byte and then a FIN. */
export function isOrderly(plan: Plan): boolean {
  return plan.clientResetAt < 0 && plan.nodeResetAt < 0;
}

export function encodePlan(plan: Plan): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  const flags = (plan.nodeWaits ? 1 : 0) | (plan.clientWaits ? 2 : 0) | (plan.drips ? 4 : 0);
  const words = [MAGIC, KINDS.indexOf(plan.kind), plan.seed, flags, plan.clientStallMs, plan.nodeStallMs];
  words.forEach((word, i) => view.setUint32(i * 4, word));
  [plan.up, plan.down, plan.clientResetAt, plan.nodeResetAt].forEach((size, i) => view.setFloat64(24 + i * 8, size));
  return header;
}

/** @returns Null when the header is not one: its bytes were damaged. */
export function decodePlan(header: Uint8Array): Plan | null {
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  const kind = KINDS[view.getUint32(4)];
  if (view.getUint32(0) !== MAGIC || kind === undefined) return null;
  const flags = view.getUint32(12);
  return {
    kind,
    seed: view.getUint32(8),
    nodeWaits: (flags & 1) !== 0,
    clientWaits: (flags & 2) !== 0,
    drips: (flags & 4) !== 0,
    clientStallMs: view.getUint32(16),
    nodeStallMs: view.getUint32(20),
    up: view.getFloat64(24),
    down: view.getFloat64(32),
    clientResetAt: view.getFloat64(40),
    nodeResetAt: view.getFloat64(48),
  };
}

const BLOCK = (() => {
  const random = randomFrom(7);
  return Buffer.from(Uint8Array.from({ length: BLOCK_BYTES }, () => random() * 256));
})();

/** Where in the pattern the stream of this seed and direction starts. */
export function patternStart(seed: number, direction: "up" | "down"): number {
  return (seed * (direction === "up" ? 7_919 : 104_729)) % BLOCK_BYTES;
}

/** The pattern's bytes at `offset`, at most `most`, up to the end of its block. */
export function patternAt(offset: number, most: number): Uint8Array {
  const from = offset % BLOCK_BYTES;
  return BLOCK.subarray(from, Math.min(BLOCK_BYTES, from + most));
}

/** Does `chunk` equal the pattern from `offset` on? */
export function patternHolds(chunk: Uint8Array, offset: number): boolean {
  for (let at = 0; at < chunk.length;) {
    const want = patternAt(offset + at, chunk.length - at);
    if (
      BLOCK.compare(
        chunk,
        at,
        at + want.length,
        want.byteOffset - BLOCK.byteOffset,
        want.byteOffset - BLOCK.byteOffset + want.length,
      ) !== 0
    )
      return false;
    at += want.length;
  }
  return true;
}
