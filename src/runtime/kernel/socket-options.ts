/** Socket options of every stream, and when they are worth a system call. */
import { SO, SOL, TCP } from "./libc.ts";
import { setOption } from "./syscalls.ts";

/** Seconds until the first keepalive probe, between two, and how many may be lost: a dead peer is seen after a minute. */
const KEEPALIVE = { idle: 30, interval: 10, tries: 3 } as const;
/**
 * A connection of ours gets its keepalive options when it has lived to the next round, not when it is dialled:
 * four calls less for each of the many that are gone by then. Well below `KEEPALIVE.idle`.
 */
export const UPKEEP_MS = 10_000;

export function keepAlive(fd: number): void {
  setOption(fd, SOL.SOCKET, SO.KEEPALIVE, 1);
  setOption(fd, SOL.TCP, TCP.KEEPIDLE, KEEPALIVE.idle);
  setOption(fd, SOL.TCP, TCP.KEEPINTVL, KEEPALIVE.interval);
  setOption(fd, SOL.TCP, TCP.KEEPCNT, KEEPALIVE.tries);
}

/** Send small segments at once. Until a second write there is nothing it could change. */
export function noDelay(fd: number): void {
  setOption(fd, SOL.TCP, TCP.NODELAY, 1);
}

/**
 * The last ACK of the handshake travels with the first bytes: one packet less per connection; later ACKs are as ever. What the
 * option does to a socket that connects, tcp_rcv_synsent_state_process() of the kernel; unlike TCP_QUICKACK it outlives the connection.
 */
export function ackWithData(fd: number, on: boolean): void {
  setOption(fd, SOL.TCP, TCP.DEFER_ACCEPT, on ? 1 : 0);
}
