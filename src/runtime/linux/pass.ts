/** The next bytes of one connection go to another, unseen by the session: bodies of HTTP messages. */
import type { PassSpec } from "../port.ts";
import type { LinuxConn } from "./conn.ts";
import type { Loop } from "./loop.ts";
import { Pump, type PumpOwner, type PumpState } from "./pump.ts";
import type { Reporter } from "./watcher.ts";

/** @throws Error when one of the two is not open or passes already: the session's mistake. */
export function pass(loop: Loop, from: LinuxConn, to: LinuxConn, spec: PassSpec): void {
  if (from.state === "closed" || to.state === "closed") return from.stopDelivery(); // its onClose is on the way
  const free = from.state === "open" && to.state === "open" && !from.isRead && !to.isFed;
  if (!free || spec.bytes <= 0) {
    throw new Error(`Cannot pass ${spec.bytes} bytes from a ${from.state} to a ${to.state} connection`);
  }
  new Pass(loop, from, to, spec).start();
}

class Pass implements PumpOwner, Reporter {
  reporting = false;
  private readonly loop: Loop;
  private readonly spec: PassSpec;
  private readonly pump: Pump;

  constructor(loop: Loop, from: LinuxConn, to: LinuxConn, spec: PassSpec) {
    this.loop = loop;
    this.spec = spec;
    this.pump = new Pump(loop, from, to, spec.bytes, this);
  }

  /** Not at once: the session may be inside `onData`, whose chunk lies in the buffer a read would fill. */
  start(): void {
    this.loop.soon(this.pump.from);
  }

  onPump(pump: Pump, state: PumpState): void {
    if (pump.unreported > 0) this.loop.reportLater(this);
    if (state === "idle" || state === "blocked" || state === "again") return;
    const { from, to } = pump;
    pump.detach();
    this.report();
    if (from.state !== "open") return; // a throwing onProgress ended both
    if (state === "done") this.finish(from, to);
    else if (state === "ended") from.endOfStream();
    else if (state === "read-failed") from.fail(pump.errno);
    else {
      from.stopDelivery();
      to.writeFailed();
    }
  }

  private finish(from: LinuxConn, to: LinuxConn): void {
    try {
      this.spec.onDone();
    } catch (error) {
      this.loop.fault(error);
      from.end("fault", true);
      to.end("fault", true);
      return;
    }
    to.passOver();
    if (from.readable) this.loop.soon(from);
  }

  onAbandon(pump: Pump): void {
    this.report();
    pump.from.stopDelivery();
  }

  report(): void {
    this.reporting = false;
    const bytes = this.pump.unreported;
    if (bytes === 0) return;
    this.pump.unreported = 0;
    try {
      this.spec.onProgress(bytes);
    } catch (error) {
      this.loop.fault(error);
      this.pump.from.end("fault", true);
      this.pump.to.end("fault", true);
    }
  }
}
