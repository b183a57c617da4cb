/** Source ports towards a node ran out: said once in a while, with what helps. */
import type { EventLog } from "../log/event-log.ts";

const AGAIN_MS = 60_000;

export class PortShortage {
  private readonly log: EventLog;
  private toldMs = -Infinity;

  constructor(log: EventLog) {
    this.log = log;
  }

  met(nowMs: number): void {
    if (nowMs - this.toldMs < AGAIN_MS) return;
    this.toldMs = nowMs;
    this.log.warn(
      "ports",
      "no source port left towards a node: each one waits 60 s after a connection; sysctl -w net.ipv4.tcp_tw_reuse=1 helps",
    );
  }
}
