/** The HTTP response to a probe: its status, and whether the connection can take another request. */
import { Body } from "../../core/message/body.ts";
import { connectionOptions, declaredFraming, NO_BODY, UNTIL_CLOSE, type Framing } from "../../core/message/framing.ts";
import { Gather } from "../../core/message/gather.ts";
import { HeadReader, type HeadLimits } from "../../core/message/head.ts";
import { StatusLine } from "../../core/message/start-line.ts";

const LIMITS: HeadLimits = { httpLine: 8_192, httpHead: 65_536, httpFields: 200 };
/** Body bytes read of a response: `/readyz` says "ok", its failing checks fill a page. */
const BODY_MOST = 65_536;

/** One response at a time, fed with what arrives. */
export class ProbeResponse {
  /** `end`: complete; `enough`: the status is known and the rest is not worth reading; `bad`: not HTTP. */
  state: "more" | "end" | "enough" | "bad" = "more";
  /** Of the final response; null: its head is not complete. */
  status: number | null = null;
  private closing = false;
  private bytes = 0;
  private readonly head = new HeadReader(new StatusLine(), LIMITS);
  private readonly body = new Body(LIMITS);
  private readonly discarded = new Gather();

  /** The connection can take another request. */
  get reusable(): boolean {
    return this.state === "end" && !this.closing;
  }

  /** For the response to the next request. */
  reset(): void {
    this.state = "more";
    this.status = null;
    this.closing = false;
    this.bytes = 0;
    this.head.reset();
  }

  feed(chunk: Uint8Array): void {
    let at = 0;
    while (this.state === "more" && at < chunk.length) {
      at = this.status === null ? this.feedHead(chunk, at) : this.feedBody(chunk, at);
    }
    // bytes after the response would be taken for the next one
    if (at < chunk.length) this.closing = true;
  }

  /** The peer's FIN. */
  end(): void {
    this.closing = true;
    if (this.state === "more" && this.status !== null) this.state = this.body.endsByClose ? "end" : "enough";
  }

  private feedHead(chunk: Uint8Array, at: number): number {
    const { head } = this;
    const next = head.feed(chunk, at);
    if (head.state === "bad") this.state = "bad";
    if (head.state !== "done") return next;
    const { status } = head.start;
    if (status < 200 && status !== 101) head.reset(); // interim: the final response follows
    else this.begin(status);
    return next;
  }

  private begin(status: number): void {
    const framing = this.framing(status);
    this.status = status;
    if (framing === null) {
      this.state = "enough";
      return;
    }
    this.closing =
      this.head.start.minor === 0 || framing.kind === "close" || (connectionOptions(this.head)?.close ?? true);
    this.body.begin(framing);
    if (this.body.state === "done") this.state = "end";
  }

  /** Null: where this response ends cannot be told. */
  private framing(status: number): Framing | null {
    if (status === 101) return null;
    if (status === 204 || status === 304) return NO_BODY;
    const declared = declaredFraming(this.head, this.head.start.minor);
    if (typeof declared === "string") return null;
    return declared ?? UNTIL_CLOSE;
  }

  private feedBody(chunk: Uint8Array, at: number): number {
    const { body } = this;
    const next = body.feed(chunk, at, this.discarded);
    this.discarded.take();
    this.bytes += next - at;
    if (body.state === "done") this.state = "end";
    else if (body.state === "bad" || this.bytes > BODY_MOST) this.state = "enough";
    return next;
  }
}
