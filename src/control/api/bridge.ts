/** node:http to web standard and back: the same handlers on a unix socket and on TCP, in Bun, Node and Deno. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handler } from "./api.ts";

/** A cluster's spec has at most 1,024 nodes of a few dozen characters. */
const MOST_BODY_BYTES = 262_144;

/** Answers one request of node:http by a function from Request to Response. Never rejects. */
export async function respond(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  try {
    const body = await readBody(incoming);
    if (body === null) {
      outgoing.writeHead(413, { connection: "close" }).end("the body is too large\n");
      return;
    }
    await write(await handler(toRequest(incoming, body)), outgoing);
  } catch {
    outgoing.destroy(); // the caller is gone in the middle of it
  }
}

async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > MOST_BODY_BYTES) return null;
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function toRequest({ method = "GET", url = "/", headers }: IncomingMessage, body: string): Request {
  const has = method !== "GET" && method !== "HEAD";
  const plain = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === "string" ? [[name, value]] : [],
  );
  return new Request(new URL(url, "http://edge-lb"), { method, headers: plain, ...(has ? { body } : {}) });
}

async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  const reader = response.body?.getReader();
  if (reader === undefined) {
    outgoing.end();
    return;
  }
  outgoing.on("close", () => void reader.cancel());
  outgoing.flushHeaders();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      outgoing.off("drain", go);
      outgoing.off("close", go);
      resolve();
    };
    outgoing.once("drain", go);
    outgoing.once("close", go);
  });
}
