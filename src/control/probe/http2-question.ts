/** One question over HTTP/2, on a connection of its own, for servers that speak nothing else. */
import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { formatHost } from "../../core/address.ts";
import type { Exchange } from "./connection.ts";
import { CLOSE_MS, deadline, noProgress, openSocket, type Progress, type SocketPlan } from "./socket.ts";

const ALPN = ["h2"];

/** @param host What the request says in place of a Host field. */
export async function askHttp2(plan: SocketPlan, host: string, path: string, timeoutMs: number): Promise<Exchange> {
  // few servers need it, and it is large
  const { connect } = await import("node:http2");
  const tls = { servername: plan.tls?.servername ?? null, alpn: ALPN };
  const open = (socket: Socket): ClientHttp2Session =>
    connect(`https://${formatHost(host)}`, { createConnection: () => socket });
  return new Promise((resolve) => {
    const question = new Question({ ...plan, tls }, path, open, resolve);
    question.ask(timeoutMs);
  });
}

class Question {
  private readonly plan: SocketPlan;
  private readonly path: string;
  private readonly open: (socket: Socket) => ClientHttp2Session;
  private readonly resolve: (exchange: Exchange) => void;
  private readonly progress: Progress = noProgress();
  private socket: Socket | null = null;
  private session: ClientHttp2Session | null = null;
  private cancelDeadline: (() => void) | null = null;

  constructor(
    plan: SocketPlan,
    path: string,
    open: (socket: Socket) => ClientHttp2Session,
    resolve: (exchange: Exchange) => void,
  ) {
    this.plan = plan;
    this.path = path;
    this.open = open;
    this.resolve = resolve;
  }

  ask(timeoutMs: number): void {
    this.cancelDeadline = deadline(timeoutMs, (error) => this.settle(null, error));
    const socket = openSocket(this.plan, this.progress, (error) => {
      if (error === null) this.request(socket);
      else this.settle(null, error);
    });
    this.socket = socket;
    socket.on("close", () => this.settle(null, new Error("closed")));
  }

  private request(socket: Socket): void {
    if (this.cancelDeadline === null) return;
    const session = this.open(socket);
    this.session = session;
    session.on("error", (error) => this.settle(null, error));
    const stream = session.request({ ":path": this.path, "user-agent": "edge-lb", accept: "*/*" });
    stream.on("error", (error) => this.settle(null, error));
    stream.on("response", (headers) => this.settle(headers[":status"] ?? null, new Error("no status")));
    stream.resume();
    stream.end();
  }

  private settle(status: number | null, error: unknown): void {
    const { cancelDeadline, session, socket } = this;
    if (cancelDeadline === null) return;
    cancelDeadline();
    this.cancelDeadline = null;
    if (status === null) socket?.destroy();
    else if (session !== null && socket !== null) leave(session, socket);
    this.resolve({ status, error: status === null ? error : null, progress: this.progress });
  }
}

/** Say goodbye, and do not wait for ever for the end of the answer. */
function leave(session: ClientHttp2Session, socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once("close", () => clearTimeout(timer));
  session.close();
}
