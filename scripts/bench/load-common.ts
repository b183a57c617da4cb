/** What every kind of load shares: whom to ask, what to expect, and when to give up. */
import { ERRNO } from "./calls.ts";
import { type At, connectFrom, type Net } from "./net.ts";
import type { Quantiles } from "./samples.ts";

/** A cluster seen from outside: the name to ask for and the nodes that may answer. */
export interface Target {
  readonly name: string;
  readonly nodes: readonly string[];
}

export interface Order {
  readonly to: At;
  readonly targets: readonly Target[];
  readonly connections: number;
}

/** How long to go on: whichever comes first. */
export interface Span {
  readonly seconds: number;
  readonly most: number;
}

export interface Outcome extends Quantiles {
  readonly units: number;
  readonly seconds: number;
}

/** Clients come from several addresses, so that a source-balanced pool uses all its nodes. */
const SOURCES = 16;
/** A machine with other work may not run a process for many seconds. */
const STALL_MS = 30_000;
let lastSource = 0;

/** @throws Error when the peer refuses. */
export function connectNext(to: At): number {
  lastSource = (lastSource + 1) % SOURCES;
  const fd = connectFrom(`127.1.0.${lastSource + 1}`, to);
  if (fd === -ERRNO.ECONNREFUSED) throw new Error("connection refused");
  if (fd < 0) throw new Error(`connect failed with errno ${-fd}`);
  return fd;
}

/**
 * Turn until `done`; `progress` grows as long as the peer lives.
 * @throws Error when nothing happened for 30 s.
 */
export function runUntil(net: Net, done: () => boolean, progress: () => number): void {
  let seen = progress();
  let since = performance.now();
  while (!done()) {
    net.turn(1000);
    const now = performance.now();
    if (progress() !== seen) {
      seen = progress();
      since = now;
    } else if (now - since > STALL_MS) throw new Error(`nothing moved for ${STALL_MS / 1000} s after ${seen} units`);
  }
}

/** A peer that closed or reset where it should have answered. */
export function ended(code: number, what: string): Error {
  return new Error(code === 0 ? `connection closed ${what}` : `errno ${-code} ${what}`);
}
