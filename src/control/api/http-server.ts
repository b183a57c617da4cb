/** A node:http server whose requests are answered by a function from Request to Response, on TCP and on a unix socket alike. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
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
  const turns = new Turns();
  return createServer((request, response) => {
    turns.take(request.socket, response, () => void listener(request, response));
  });
}

function badRequest(error: unknown): EdgeError {
  const found = error instanceof Error ? error.message : String(error);
  return new EdgeError("USAGE", `Cannot read the request: ${found}; a path and a host name wanted`);
}

/** As many requests of one connection may wait for their turn. */
const WAITING_MOST = 32;

interface Turn {
  /** The answer before was taken, or the connection has ended. */
  over: Promise<void>;
  /** Requests without a whole answer. */
  count: number;
}

/** Requests of one connection are answered one after another, so that whoever takes no answer has one made, and no more. */
class Turns {
  private readonly bySocket = new WeakMap<Socket, Turn>();

  take(socket: Socket, response: ServerResponse, answer: () => void): void {
    const turn = this.bySocket.get(socket) ?? { over: Promise.resolve(), count: 0 };
    this.bySocket.set(socket, turn);
    const before = turn.over;
    turn.over = new Promise((resolve) => void response.once("close", resolve));
    turn.count += 1;
    response.once("close", () => (turn.count -= 1));
    if (turn.count === 1) answer();
    else if (turn.count > WAITING_MOST) socket.destroy();
    else void before.then(() => socket.destroyed || answer());
  }
}
