/** The next bytes of one connection go to another, unseen by the session: bodies of HTTP messages. */
import type { PassSpec } from "../port.ts";
import type { PortableConn } from "./conn.ts";
import { Pump, type PumpOwner } from "./pump.ts";
import type { Host } from "./wire.ts";

export function pass(host: Host, from: PortableConn, to: PortableConn, spec: PassSpec): void {
  new Pass(host, from, to, spec).start();
}

class Pass implements PumpOwner {
  dirty = false;
  private readonly spec: PassSpec;
  private readonly pump: Pump;
  /** Gone before it was done: a flush that comes later tells nothing. */
  private over = false;

  constructor(host: Host, from: PortableConn, to: PortableConn, spec: PassSpec) {
    this.spec = spec;
    this.pump = new Pump(host, from, to, spec.bytes, this);
  }

  start(): void {
    this.pump.from.deliverSoon();
  }

  flush(): void {
    this.dirty = false;
    if (this.over) return;
    const bytes = this.pump.report();
    if (bytes > 0) this.guard(() => this.spec.onProgress(bytes));
  }

  onEnd({ from }: Pump): void {
    this.end();
    from.tellEndAgain();
  }

  onDone({ from }: Pump): void {
    this.end();
    this.guard(() => this.spec.onDone());
    from.deliver();
  }

  onSenderClosed(): void {
    this.end();
  }

  /** The rest of a body whose receiver is gone is not the session's next request. */
  onReceiverClosed({ from }: Pump): void {
    this.end();
    from.pause();
    from.deliverSoon();
  }

  private end(): void {
    this.pump.detach();
    this.flush();
    this.over = true;
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.over = true;
      this.pump.from.fault(error);
      this.pump.to.reset("fault");
    }
  }
}
