/** A probe's kept connection: opened by the first question, one question at a time, used again while the answers are whole. */
import type * as net from "node:net";
import { ProbeResponse } from "./probe-response.ts";
import {
  closePolitely,
  deadline,
  noProgress,
  openSocket,
  ProbeGarbage,
  type Progress,
  type SocketPlan,
} from "./socket.ts";

/** How one question went. */
export interface Exchange {
  /** Null: no answer. */
  readonly status: number | null;
  /** Why there is no answer; null: there is one. */
  readonly error: unknown;
  /** How far the new connection got; null: the kept one was used. */
  readonly progress: Progress | null;
}

interface Pending {
  readonly request: string;
  readonly resolve: (exchange: Exchange) => void;
  readonly cancelDeadline: () => void;
}

export class ProbeConnection {
  private readonly plan: SocketPlan;
  private readonly host: string;
  private readonly response = new ProbeResponse();
  private socket: net.Socket | null = null;
  private progress: Progress | null = null;
  /** The question that waits for its answer. */
  private pending: Pending | null = null;

  /** @param host What the Host field says. */
  constructor(plan: SocketPlan, host: string) {
    this.plan = plan;
    this.host = host;
  }

  get(path: string, timeoutMs: number): Promise<Exchange> {
    this.progress = null;
    this.response.reset();
    const request = `GET ${path} HTTP/1.1\r\nhost: ${this.host}\r\nuser-agent: edge-lb\r\naccept: */*\r\n\r\n`;
    return new Promise((resolve) => {
      this.pending = { request, resolve, cancelDeadline: deadline(timeoutMs, (error) => this.settle(error)) };
      if (this.socket === null) this.socket = this.open();
      else this.socket.write(request);
    });
  }

  close(): void {
    this.disconnect(this.pending === null);
  }

  private open(): net.Socket {
    const progress = noProgress();
    this.progress = progress;
    const socket = openSocket(this.plan, progress, (error) => {
      if (socket === this.socket) this.connected(socket, error);
    });
    socket.on("data", (chunk: Uint8Array) => {
      if (socket === this.socket) this.received(chunk);
    });
    socket.on("error", (error) => {
      if (socket === this.socket) this.settle(error);
    });
    // a FIN, a reset and an error all end here
    socket.on("close", () => {
      if (socket === this.socket) this.closed();
    });
    return socket;
  }

  private connected(socket: net.Socket, error: Error | null): void {
    if (error !== null) this.settle(error);
    else if (this.pending !== null) socket.write(this.pending.request);
  }

  private received(chunk: Uint8Array): void {
    // bytes that nobody asked for would be taken for the next answer
    if (this.pending === null) return this.disconnect(true);
    this.response.feed(chunk);
    if (this.response.state === "bad") this.settle(new ProbeGarbage());
    else if (this.response.state !== "more") this.settle(null);
  }

  private closed(): void {
    const { response } = this;
    response.end();
    this.settle(response.state === "end" || response.state === "enough" ? null : new Error("closed"));
    this.socket = null;
  }

  private settle(error: unknown): void {
    const { pending, progress } = this;
    if (pending === null) return;
    this.pending = null;
    pending.cancelDeadline();
    const { status, reusable } = this.response;
    // an answer that has begun is an answer; the connection is used again only after a whole one
    if (error !== null || !reusable) this.disconnect(error === null);
    pending.resolve({ status, error: status === null ? error : null, progress });
  }

  private disconnect(politely: boolean): void {
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    if (politely) closePolitely(socket);
    else socket.destroy();
  }
}
