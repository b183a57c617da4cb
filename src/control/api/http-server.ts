/** A node:http server whose requests are answered by a function from Request to Response, on TCP and on a unix socket alike. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { EdgeError } from "../../errors.ts";
import { errorResponse } from "./answers.ts";

/** What a request came as. */
export interface Sent {
  readonly incoming: Pick<IncomingMessage, "socket">;
}

/** Never rejects. */
export type Handler = (request: Request, sent: Sent) => Response | Promise<Response>;

/**
 * The server, not listening yet. A request line or Host that is no URL is answered with 400.
 * @param handler Is asked for each request, so what it answers may change while the server runs.
 */
export function createHttpServer(handler: Handler): Server {
  const listener = getRequestListener((request, { incoming }) => handler(request, { incoming }), {
    // what HTTP/1.0 may leave out
    hostname: "edge-lb",
    overrideGlobalObjects: false,
    errorHandler: (error) => errorResponse([badRequest(error)]),
  });
  return createServer((request, response) => void listener(request, response));
}

function badRequest(error: unknown): EdgeError {
  const found = error instanceof Error ? error.message : String(error);
  return new EdgeError("USAGE", `Cannot read the request: ${found}; a path and a host name wanted`);
}
