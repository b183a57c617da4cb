/** Moves a known number of bytes from one link to another: the body of a request or a response. */
import type { Link, Owner } from "./conn.ts";
import type { PassSpec } from "../port.ts";

export function startPass(from: Link, to: Link, spec: PassSpec): void {
  const pass = new Pass(from, to, spec);
  from.pour(to, spec.bytes, pass);
  if (from.needsPump) from.host.defer(() => from.pump());
}

class Pass implements Owner {
  dirty = false;
  private readonly from: Link;
  private readonly to: Link;
  private readonly spec: PassSpec;
  /** Gone before it was done: a pulse that comes later tells nothing. */
  private over = false;

  constructor(from: Link, to: Link, spec: PassSpec) {
    this.from = from;
    this.to = to;
    this.spec = spec;
  }

  flush(): void {
    this.dirty = false;
    const { moved } = this.from;
    if (moved === 0 || this.over) return;
    this.from.moved = 0;
    this.guard(() => this.spec.onProgress(moved));
  }

  sourceEnded(source: Link): void {
    this.end();
    source.retellEnd();
  }

  sourceDone(source: Link): void {
    this.end();
    this.guard(() => this.spec.onDone());
    source.pump();
  }

  linkClosed(link: Link): void {
    this.end();
    if (link === this.from) return;
    this.from.pause();
    if (this.from.needsPump) this.from.host.defer(() => this.from.pump());
  }

  private end(): void {
    this.from.endPour();
    this.flush();
    this.over = true;
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.over = true;
      this.from.fault(error);
      this.to.shut("fault");
    }
  }
}
