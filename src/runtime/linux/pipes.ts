/** Pipes lent to bulk streams: bytes go socket → pipe → socket inside the kernel. */
import type { Ledger } from "./ledger.ts";
import { close, openPipe, pipeInput, resizePipe } from "../kernel/syscalls.ts";

/** Sizes asked for in turn: what an unprivileged user may have at most, then what fits many times into that user's share. */
const SIZES = [1_048_576, 262_144];
/** Smaller than this a pipe costs more calls than copying does: the user's share of pipe memory is used up. */
const WORTHWHILE_BYTES = 65_536;
/** Empty pipes kept for the next stream; more are closed. */
const KEPT = 64;
/** Pipes stop at this part of the descriptor limit, so that connections get the rest. */
const SHARE = 0.75;
/** After a refusal this many streams are copied before the kernel is asked again. */
const REFUSALS = 256;

export interface Pipe {
  /** Reading end. */
  readonly output: number;
  /** Writing end. */
  readonly input: number;
  /** Capacity in bytes, if pages are filled. */
  readonly size: number;
}

export class PipePool {
  private readonly ledger: Ledger;
  private readonly highest: number;
  private readonly idle: Pipe[] = [];
  /** Lent and not given back yet; closed with the pool. */
  private readonly lent = new Set<Pipe>();
  private refusals = 0;
  private disabled = false;

  /** @param descriptors How many descriptors the process may have. */
  constructor(ledger: Ledger, descriptors: number) {
    this.ledger = ledger;
    this.highest = descriptors * SHARE;
  }

  /** An empty pipe, or null when descriptors or pipe memory run short: then the stream is copied. */
  take(): Pipe | null {
    if (this.disabled) return null;
    const pipe = this.idle.pop() ?? this.open();
    if (pipe !== null) this.lent.add(pipe);
    return pipe;
  }

  /** This kernel does not splice sockets: never lend again. */
  disable(): void {
    this.disabled = true;
  }

  /** Give back an empty pipe. */
  giveBack(pipe: Pipe): void {
    this.ledger.assertEmpty(pipe.output);
    this.lent.delete(pipe);
    if (this.idle.length < KEPT) this.idle.push(pipe);
    else this.discard(pipe);
  }

  /** Give back a pipe that may still hold bytes: they must never reach the next stream. */
  discardUsed(pipe: Pipe): void {
    this.lent.delete(pipe);
    this.discard(pipe);
  }

  /** Pipes in existence. */
  get size(): number {
    return this.idle.length + this.lent.size;
  }

  /** Close those that nobody uses. */
  shed(): void {
    for (const pipe of this.idle.splice(0)) this.discard(pipe);
  }

  /** Close all, in use or not. */
  close(): void {
    this.shed();
    for (const pipe of this.lent) this.discard(pipe);
    this.lent.clear();
  }

  private open(): Pipe | null {
    if (this.refusals > 0) {
      this.refusals--;
      return null;
    }
    const pipe = this.make();
    if (pipe === null) this.refusals = REFUSALS;
    return pipe;
  }

  private make(): Pipe | null {
    const output = openPipe();
    if (output < 0) return null;
    const input = pipeInput();
    const pipe = { output, input, size: enlarge(input) };
    this.ledger.own(pipe.output, "pipe output");
    this.ledger.own(pipe.input, "pipe input");
    if (pipe.size >= WORTHWHILE_BYTES && pipe.input < this.highest) return pipe;
    this.discard(pipe);
    return null;
  }

  private discard(pipe: Pipe): void {
    this.ledger.disown(pipe.output);
    this.ledger.disown(pipe.input);
    close(pipe.output);
    close(pipe.input);
  }
}

/** @returns The size granted, or below 0. */
function enlarge(input: number): number {
  let granted = -1;
  for (const size of SIZES) {
    granted = resizePipe(input, size);
    if (granted >= 0) return granted;
  }
  return granted;
}
