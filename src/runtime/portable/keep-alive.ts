import type { Host } from "./wire.ts";

/**
 * Turning keepalive on takes four system calls, a fiftieth of what a short connection costs, and most connections are over
 * before it matters: so it is done for those that are still open when the next round comes.
 */
const ROUND_MS = 10_000;

/** @returns to be called for every new connection: sees to it that there is a next round */
export function keepAliveRounds(host: Host): () => void {
  let waiting = false;
  const round = (): void => {
    waiting = false;
    for (const conn of host.conns) conn.keepAlive();
  };
  return () => {
    if (waiting) return;
    waiting = true;
    // must not hold up the end of a process that has nothing else to do
    setTimeout(round, ROUND_MS).unref();
  };
}
