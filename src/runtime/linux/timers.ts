/**
 * A hierarchical timer wheel: adding and cancelling cost the same however many timers there are, and a worker with
 * thousands of day-long idle timers sleeps until the next one that matters.
 *
 * Six levels of 32 slots; a slot of level L is 32^L ms wide. A timer lies on the lowest level that reaches it and moves
 * down when its slot begins, so it moves at most five times. One bit per slot says whether anything lies there.
 */

const LEVELS = 6;
const SLOTS = 32;
/** What the top level reaches, 12.4 days; a later timer waits in its last slot and is put back. */
const REACH = SLOTS ** LEVELS - 1;

/** Something with a due time. Subclass it, or use `Timer`; it is in the wheel at most once. */
export abstract class TimerNode {
  /** Ticks; read only for others than the wheel. */
  due = 0;
  /** Index of the slot it lies in, -1: not in the wheel. */
  slot = -1;
  previous: TimerNode | null = null;
  next: TimerNode | null = null;

  abstract fire(): void;
}

/** One tick is one millisecond of the clock the caller passes. */
export class TimerWheel {
  /** Everything due at or before this tick has fired. */
  private elapsed: number;
  private readonly heads: (TimerNode | null)[] = Array.from({ length: LEVELS * SLOTS }, () => null);
  private readonly bits = new Int32Array(LEVELS);
  private count = 0;

  constructor(nowMs: number) {
    this.elapsed = Math.floor(nowMs);
  }

  /** Fire `node` at the first `advance` whose time is at or after `dueMs`; never early. Moves a node that waits already. */
  add(node: TimerNode, dueMs: number): void {
    if (node.slot >= 0) this.remove(node);
    node.due = Math.max(Math.ceil(dueMs), this.elapsed + 1);
    this.place(node);
    this.count++;
  }

  /** Safe when it fired or was removed already. */
  remove(node: TimerNode): void {
    const slot = node.slot;
    if (slot < 0) return;
    if (node.next !== null) node.next.previous = node.previous;
    if (node.previous !== null) node.previous.next = node.next;
    else {
      this.heads[slot] = node.next;
      if (node.next === null) this.clearBit(slot);
    }
    node.slot = -1;
    node.previous = null;
    node.next = null;
    this.count--;
  }

  /** Fire what is due. A callback that throws leaves the rest for the next call. */
  advance(nowMs: number): void {
    const now = Math.floor(nowMs);
    for (let at = this.nextSlot(); at <= now; at = this.nextSlot()) {
      this.elapsed = at;
      this.cascade(at);
      this.fireSlot(at);
    }
    if (now > this.elapsed) this.elapsed = now;
  }

  /** How long a wait may last, in ms; -1: for ever. */
  waitMs(nowMs: number): number {
    if (this.count === 0) return -1;
    return Math.max(0, Math.ceil(this.nextSlot() - nowMs));
  }

  /** The tick at which the next occupied slot of any level begins; Infinity: none. */
  private nextSlot(): number {
    if (this.count === 0) return Infinity;
    let first = Infinity;
    let width = 1;
    for (let level = 0; level < LEVELS; level++) {
      const bits = this.bits[level] ?? 0;
      if (bits !== 0) {
        const current = Math.floor(this.elapsed / width);
        const at = (current + slotsAhead(bits, current % SLOTS)) * width;
        if (at < first) first = at;
      }
      width *= SLOTS;
    }
    return first;
  }

  /** Move down what lies in the slots that begin at this tick, top level first. */
  private cascade(at: number): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      const width = SLOTS ** level;
      if (at % width !== 0) continue;
      const slot = level * SLOTS + (Math.floor(at / width) % SLOTS);
      for (let node = this.detach(slot); node !== null;) {
        const next: TimerNode | null = node.next;
        this.place(node);
        node = next;
      }
    }
  }

  private fireSlot(at: number): void {
    const slot = at % SLOTS;
    for (let node = this.heads[slot]; node; node = this.heads[slot]) {
      this.remove(node);
      node.fire();
    }
  }

  private detach(slot: number): TimerNode | null {
    const head = this.heads[slot] ?? null;
    this.heads[slot] = null;
    this.clearBit(slot);
    return head;
  }

  private place(node: TimerNode): void {
    const delta = Math.min(Math.max(node.due - this.elapsed, 0), REACH);
    const due = this.elapsed + delta;
    let level = 0;
    let width = 1;
    while (delta >= width * SLOTS) {
      width *= SLOTS;
      level++;
    }
    const slot = level * SLOTS + (Math.floor(due / width) % SLOTS);
    const head = this.heads[slot] ?? null;
    node.slot = slot;
    node.previous = null;
    node.next = head;
    if (head !== null) head.previous = node;
    this.heads[slot] = node;
    this.bits[level] = (this.bits[level] ?? 0) | (1 << (slot % SLOTS));
  }

  private clearBit(slot: number): void {
    const level = Math.floor(slot / SLOTS);
    this.bits[level] = (this.bits[level] ?? 0) & ~(1 << (slot % SLOTS));
  }
}

/** Distance from slot `current` to the next occupied one, 1..32: 32 is `current` itself, a whole turn away. */
function slotsAhead(bits: number, current: number): number {
  const after = current + 1;
  const rotated = after === SLOTS ? bits : (bits >>> after) | (bits << (SLOTS - after));
  return SLOTS - Math.clz32(rotated & -rotated);
}
