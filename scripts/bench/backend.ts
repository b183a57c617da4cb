/**
 * The nodes of every cluster in one process: `bun scripts/bench/backend.ts '{"api":[…],"http":[…]}'`.
 * An api node answers a hello with its own address and the name asked, then serves frames; an http node answers requests.
 * Prints `ready` when all listen; a line on stdin asks for the counters, its end ends the process.
 */
import { readSync, writeSync } from "node:fs";
import { accept, check, EPOLL, ERRNO, READ_BYTES, readBuffer, receive, send } from "./calls.ts";
import { type At, Net, openListener, type Watcher } from "./net.ts";
import { sendPattern } from "./stream-bytes.ts";
import { answerOf, bodyOf, FRAME_BYTES, HELLO_BYTES, nameInHello, ORDER, PING } from "./traffic.ts";

export interface Nodes {
  readonly api: readonly At[];
  readonly http: readonly At[];
}

/** What was served since the start. */
export interface Served {
  readonly hellos: number;
  readonly pings: number;
  readonly orderedBytes: number;
  readonly requests: number;
  /** Hellos, frames and heads that are not as the load sent them. */
  readonly wrong: number;
}

/** Sends of one stream in a row before the others get their turn. */
const ROUNDS = 8;
const net = new Net();
const served = { hellos: 0, pings: 0, orderedBytes: 0, requests: 0, wrong: 0 };

/** Bytes that make no whole unit yet. */
abstract class NodeConnection implements Watcher {
  protected readonly fd: number;
  protected readonly node: string;
  private held: Uint8Array | null = null;

  constructor(fd: number, node: string) {
    this.fd = fd;
    this.node = node;
  }

  /** @returns How many bytes made whole units; below 0 when the peer sent nonsense. */
  protected abstract take(bytes: Uint8Array): number;
  protected onWritable(): void {}

  onReady(mask: number): void {
    if ((mask & EPOLL.OUT) !== 0) this.onWritable();
    if ((mask & ~EPOLL.OUT) !== 0) this.read((mask & EPOLL.RDHUP) !== 0);
  }

  /** @param ending A FIN is there; else a short read has emptied the socket, and another one would find nothing. */
  private read(ending: boolean): void {
    for (;;) {
      const n = receive(this.fd);
      if (n === -ERRNO.EAGAIN) return;
      if (n <= 0) return net.close(this.fd);
      if (!this.accept(readBuffer.subarray(0, n))) {
        served.wrong++;
        return net.close(this.fd);
      }
      if (n < READ_BYTES && !ending) return;
    }
  }

  private accept(fresh: Uint8Array): boolean {
    const bytes = this.held === null ? fresh : Buffer.concat([this.held, fresh]);
    const used = this.take(bytes);
    if (used < 0) return false;
    this.held = used === bytes.length ? null : bytes.slice(used);
    return true;
  }

  /** Answers are small and asked for one at a time, so the kernel always has room for them. */
  protected send(bytes: Uint8Array): void {
    const n = send(this.fd, bytes);
    if (n !== bytes.length && n !== -ERRNO.EPIPE && n !== -ERRNO.ECONNRESET) check("send", n < 0 ? n : -ERRNO.EAGAIN);
  }
}

const answers = new Map<string, Uint8Array>();

function answerFrom(node: string, name: string): Uint8Array {
  const key = `${node} ${name}`;
  const known = answers.get(key) ?? answerOf(node, name);
  answers.set(key, known);
  return known;
}

class ApiConnection extends NodeConnection {
  private greeted = false;
  private ordered = 0;
  private sent = 0;
  private watchesWriting = false;

  protected override take(bytes: Uint8Array): number {
    let at = 0;
    if (!this.greeted) {
      if (bytes.length < HELLO_BYTES) return 0;
      const name = nameInHello(bytes.subarray(0, HELLO_BYTES));
      if (name === null) return -1;
      this.greeted = true;
      served.hellos++;
      this.send(answerFrom(this.node, name));
      at = HELLO_BYTES;
    }
    for (; bytes.length - at >= FRAME_BYTES; at += FRAME_BYTES) {
      if (!this.frame(bytes.subarray(at, at + FRAME_BYTES))) return -1;
    }
    return at;
  }

  private frame(bytes: Uint8Array): boolean {
    if (bytes[0] === PING) {
      served.pings++;
      this.send(bytes);
      return true;
    }
    if (bytes[0] !== ORDER) return false;
    this.ordered = Number(Buffer.from(bytes.subarray(1)).toString("latin1").trim());
    this.sent = 0;
    this.stream();
    return true;
  }

  protected override onWritable(): void {
    if (this.sent < this.ordered) this.stream();
  }

  private stream(): void {
    for (let round = 0; this.sent < this.ordered; round++) {
      const n = round < ROUNDS ? sendPattern(this.fd, this.sent, this.ordered) : -ERRNO.EAGAIN;
      if (n === -ERRNO.EAGAIN) return this.awaitRoom(round === ROUNDS);
      if (n < 0) return net.close(this.fd);
      this.sent += n;
      served.orderedBytes += n;
    }
  }

  /** Asking again makes a new event when there is room already. */
  private awaitRoom(again: boolean): void {
    if (this.watchesWriting && !again) return;
    this.watchesWriting = true;
    net.watchWriting(this.fd);
  }
}

const HEAD_END = "\r\n\r\n";
const HOST = /\r\nhost: ([^\r]+)\r\n/i;
const responses = new Map<string, Uint8Array>();

function responseTo(head: string, node: string): Uint8Array | null {
  const key = `${node} ${head}`;
  const known = responses.get(key);
  if (known !== undefined) return known;
  const host = HOST.exec(head)?.[1];
  if (host === undefined || !head.startsWith("GET /")) return null;
  const body = bodyOf(node, host);
  const text = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const made = Buffer.from(text, "latin1");
  responses.set(key, made);
  return made;
}

class HttpConnection extends NodeConnection {
  protected override take(bytes: Uint8Array): number {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    let at = 0;
    for (let end = text.indexOf(HEAD_END); end >= 0; end = text.indexOf(HEAD_END, at)) {
      const response = responseTo(text.slice(at, end + HEAD_END.length), this.node);
      if (response === null) return -1;
      served.requests++;
      this.send(response);
      at = end + HEAD_END.length;
    }
    return at;
  }
}

function serve(at: At, connect: (fd: number, node: string) => Watcher): void {
  const listener = openListener(at);
  // one at a time: it is told of again while more wait, and an accept that finds nobody costs the kernel a whole socket
  const onReady = (): void => {
    const fd = accept(listener);
    if (fd >= 0) net.watch(fd, connect(fd, at.ip));
  };
  net.watch(listener, { onReady }, EPOLL.IN);
}

function answerCommands(): void {
  const line = Buffer.alloc(64);
  const onReady = (): void => {
    if (readSync(0, line) === 0) process.exit(0);
    writeSync(1, `${JSON.stringify(served satisfies Served)}\n`);
  };
  net.watch(0, { onReady }, EPOLL.IN);
}

const nodes: Nodes = JSON.parse(process.argv[2] ?? '{"api":[],"http":[]}');
for (const at of nodes.api) serve(at, (fd, node) => new ApiConnection(fd, node));
for (const at of nodes.http) serve(at, (fd, node) => new HttpConnection(fd, node));
answerCommands();
writeSync(1, "ready\n");
for (;;) net.turn(-1);
