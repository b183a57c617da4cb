/** Which counters a client's connections are counted in: nobody outside can compute whose they share. */
import { addressBytes } from "./address.ts";

/** The bytes of an IPv6 address that name its network: one machine has as many addresses there as it likes. */
const NETWORK_BYTES = 8;

/**
 * 32 random-looking bits for an address, the same within one process; of IPv6 the /64 counts.
 * @param seed Two words that only this process knows.
 */
export function clientSlot(ip: string, seed: ArrayLike<number>): number {
  const bytes = addressBytes(ip) ?? new Uint8Array(0);
  return halfSipHash(bytes.length > NETWORK_BYTES ? bytes.subarray(0, NETWORK_BYTES) : bytes, seed);
}

/** HalfSipHash-2-4, 32 bits, unsigned. @see https://www.aumasson.jp/siphash/siphash.pdf and its reference code */
export function halfSipHash(bytes: Uint8Array, key: ArrayLike<number>): number {
  const [k0, k1] = [(key[0] ?? 0) | 0, (key[1] ?? 0) | 0];
  const state = new Int32Array([k0, k1, k0 ^ 0x6c_79_67_65, k1 ^ 0x74_65_64_62]);
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) absorb(state, wordAt(bytes, at, 4));
  absorb(state, wordAt(bytes, whole, bytes.length - whole) | (bytes.length << 24));
  state[2] = (state[2] ?? 0) ^ 0xff;
  for (let round = 0; round < 4; round++) mix(state);
  return ((state[1] ?? 0) ^ (state[3] ?? 0)) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number, length: number): number {
  let word = 0;
  for (let byte = 0; byte < length; byte++) word |= (bytes[at + byte] ?? 0) << (8 * byte);
  return word;
}

function absorb(state: Int32Array, word: number): void {
  state[3] = (state[3] ?? 0) ^ word;
  mix(state);
  mix(state);
  state[0] = (state[0] ?? 0) ^ word;
}

function mix(state: Int32Array): void {
  let [v0 = 0, v1 = 0, v2 = 0, v3 = 0] = state;
  v0 = (v0 + v1) | 0;
  v1 = rotated(v1, 5) ^ v0;
  v0 = rotated(v0, 16);
  v2 = (v2 + v3) | 0;
  v3 = rotated(v3, 8) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = rotated(v3, 7) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = rotated(v1, 13) ^ v2;
  v2 = rotated(v2, 16);
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
