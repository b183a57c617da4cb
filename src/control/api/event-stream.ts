/** `GET /v1/events`: server-sent events, one per line of control's log. */
import type { ControlEvent, Events } from "../log/recent-events.ts";

/** Proxies between us and a browser give up on a silent answer after a minute or less. */
const HEARTBEAT_MS = 15_000;
/** A reader that has stopped reading is let go: it comes back and asks for what it missed. */
const MOST_WAITING = 1_000;

/**
 * What is remembered, then what comes, until the client goes or `signal` aborts.
 * @param after The last id that the client has seen; 0: none.
 */
export function eventStream(events: Events, after: number, signal: AbortSignal): Response {
  const encoder = new TextEncoder();
  let end = (): void => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string): void => controller.enqueue(encoder.encode(text));
        const unsubscribe = events.subscribe((event) => {
          if ((controller.desiredSize ?? 0) < -MOST_WAITING) finish();
          else send(frame(event));
        });
        const heartbeat = setInterval(() => send(": still here\n\n"), HEARTBEAT_MS);
        end = (): void => {
          unsubscribe();
          clearInterval(heartbeat);
          signal.removeEventListener("abort", finish);
        };
        const finish = (): void => {
          end();
          controller.close();
        };
        signal.addEventListener("abort", finish);
        send("retry: 2000\n\n");
        for (const event of events.recent(after)) send(frame(event));
        if (signal.aborted) finish();
      },
      cancel: () => end(),
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
}

function frame(event: ControlEvent): string {
  return `id: ${event.id}\nevent: log\ndata: ${JSON.stringify(event)}\n\n`;
}
