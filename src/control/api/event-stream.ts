/** `GET /v1/events`: server-sent events, one per line of control's log. */
import type { ControlEvent, RecentEvents } from "../log/recent-events.ts";

/** Proxies between us and a browser give up on a silent answer after a minute or less. */
const HEARTBEAT_MS = 15_000;
/** A reader that has stopped reading is let go: it comes back and asks for what it missed, of which so much is remembered. */
const MOST_WAITING = 200;

/**
 * What is remembered, then what comes, until the client goes or `signal` aborts.
 * @param after The last id that the client has seen; 0: none.
 */
export function eventStream(events: RecentEvents, after: number, signal: AbortSignal): Response {
  const body = new ReadableStream<Uint8Array>(new EventSource(events, after, signal), { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}

/** One reader's stream: subscribed and with a heartbeat while it is open. */
class EventSource {
  private readonly events: RecentEvents;
  private readonly after: number;
  private readonly signal: AbortSignal;
  private readonly encoder = new TextEncoder();
  private readonly onAbort = (): void => this.close();
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private unsubscribe = (): void => {};

  constructor(events: RecentEvents, after: number, signal: AbortSignal) {
    this.events = events;
    this.after = after;
    this.signal = signal;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.controller = controller;
    this.send("retry: 2000\n\n");
    for (const event of this.events.recent(this.after)) this.send(frame(event));
    if (this.signal.aborted) return this.close();
    this.signal.addEventListener("abort", this.onAbort);
    this.heartbeat = setInterval(() => this.sendOn(": still here\n\n"), HEARTBEAT_MS);
    this.unsubscribe = this.events.subscribe((event) => this.sendOn(frame(event)));
    return undefined;
  }

  cancel(): void {
    this.release();
  }

  /** Heartbeats too count towards what waits. What waits for a reader that is let go is dropped. */
  private sendOn(text: string): void {
    if ((this.controller?.desiredSize ?? 0) >= -MOST_WAITING) return this.send(text);
    this.release();
    this.controller?.error(new Error("the reader has stopped reading"));
    return undefined;
  }

  private send(text: string): void {
    this.controller?.enqueue(this.encoder.encode(text));
  }

  private close(): void {
    this.release();
    this.controller?.close();
  }

  private release(): void {
    this.unsubscribe();
    clearInterval(this.heartbeat);
    this.signal.removeEventListener("abort", this.onAbort);
  }
}

function frame(event: ControlEvent): string {
  return `id: ${event.id}\nevent: log\ndata: ${JSON.stringify(event)}\n\n`;
}
