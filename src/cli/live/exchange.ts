/** One HTTP request and its answer. node:http is there in a third of the time that a library takes, and keepalived asks every second. */

export interface Request {
  /** Where it goes to: a unix socket's path, or an address. */
  readonly to: { readonly socketPath: string } | { readonly host: string; readonly port: number };
  readonly method: string;
  readonly path: string;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Answer extends AsyncIterable<Uint8Array> {
  readonly statusCode?: number | undefined;
}

/** @throws as node:http does: with a code, `ABORT_ERR` when the signal says so */
export async function send({ to, method, path, body = "", signal }: Request): Promise<Answer> {
  const { request } = await import("node:http");
  return new Promise((resolve, reject) => {
    const asked = request({ ...to, method, path, signal }, resolve);
    asked.on("error", reject);
    asked.end(body);
  });
}

export async function textOf(answer: Answer): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
