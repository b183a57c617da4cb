/** A session with hand-made effects: an obedient client socket, node sockets that record, a clock that is set. */
import type { ExchangeEnd, SessionEffects, SessionSettings, Started, Forward } from "../../src/core/http/effects.ts";
import { namelessHost, unknownHost } from "../../src/core/http/replies.ts";
import type { Reply } from "../../src/core/http/reply.ts";
import type { Request } from "../../src/core/message/request.ts";
import { HttpSession } from "../../src/core/http/session.ts";

export const SETTINGS: SessionSettings = {
  limits: { httpLine: 8_192, httpHead: 65_536, httpFields: 128 },
  timeouts: { httpHead: 10_000, httpBody: 30_000, keepAlive: 60_000 },
};
export const IDLE_MS = 3_600_000;
export const CLIENT_IP = "10.0.0.9";
export const LOCAL_IP = "10.0.0.1";
export const PORT = 80;

/** Text with one character per byte, both ways. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

export interface LabNode {
  received: string;
  state: "dialing" | "open" | "finished" | "destroyed";
}

export interface LabOptions {
  readonly settings?: Partial<SessionSettings>;
  readonly trusted?: boolean;
  readonly forwarded?: boolean;
  /** By host: which node serves it; -1: unknown name. */
  readonly nodeOf?: (host: string | null) => number;
  /** Open dialed connections at once; default true. */
  readonly autoOpen?: boolean;
  readonly route?: (request: Request) => Forward | Reply;
}

export class Lab implements SessionEffects {
  now = 0;
  received = "";
  clientState: "open" | "finished" | "destroyed" | "joined" = "open";
  readonly nodes: LabNode[] = [];
  readonly ends: ExchangeEnd[] = [];
  readonly joins: { toNode: string; toClient: string }[] = [];
  readonly passes: string[] = [];
  /** Writes to the client and to nodes, to count them. */
  writes = 0;
  clientFull = false;
  nodeFull = false;
  clientReading = true;
  nodeReading = true;
  readonly session: HttpSession;
  private readonly options: LabOptions;
  private routed = 0;
  private connected = -1;
  private waiting: Uint8Array[] = [];
  private answers: Uint8Array[] = [];
  private passingUp = 0;
  private passingDown = 0;
  private first: Uint8Array | null = null;

  constructor(options: LabOptions = {}) {
    this.options = options;
    this.session = new HttpSession(this, { ...SETTINGS, ...options.settings });
  }

  /** The connection to the node that is in use. */
  get node(): LabNode {
    const node = this.nodes.at(-1);
    if (node === undefined) throw new Error("No node was dialed");
    return node;
  }

  // ── what the world does ──

  /** The client sends, in one chunk. */
  send(text: string): this {
    this.waiting.push(bytesOf(text));
    this.turn();
    return this;
  }

  sendEnd(): this {
    if (this.clientState !== "destroyed") this.session.clientEnd();
    this.turn();
    return this;
  }

  /** The node sends, in one chunk. */
  answer(text: string): this {
    this.answers.push(bytesOf(text));
    this.turn();
    return this;
  }

  answerEnd(end: "node closed" | "node reset" = "node closed"): this {
    if (this.node.state === "open") this.session.nodeLeft(end);
    this.turn();
    return this;
  }

  open(): this {
    this.node.state = "open";
    this.node.received += textOf(this.first ?? new Uint8Array(0));
    this.session.nodeOpen();
    this.turn();
    return this;
  }

  drainClient(): this {
    this.clientFull = false;
    this.session.clientDrain();
    this.turn();
    return this;
  }

  drainNode(): this {
    this.nodeFull = false;
    this.session.nodeDrain();
    this.turn();
    return this;
  }

  /** Let time pass; deadlines that come are told. */
  wait(ms: number): this {
    const until = this.now + ms;
    while (this.session.deadline <= until) {
      this.now = this.session.deadline;
      this.session.expired();
      this.turn();
    }
    this.now = until;
    return this;
  }

  /** Deliver what is waiting and may be read. */
  turn(): void {
    for (let rounds = 0; rounds < 100_000; rounds++) {
      if (this.nodes.at(-1)?.state === "dialing" && this.options.autoOpen !== false) {
        this.open();
      } else if (this.waiting.length > 0 && (this.passingUp > 0 || this.clientReading)) {
        this.deliverUp();
      } else if (this.answers.length > 0 && (this.passingDown > 0 || this.nodeReading)) {
        this.deliverDown();
      } else return;
    }
    throw new Error("The session does not come to rest");
  }

  private deliverUp(): void {
    const chunk = this.waiting.shift() ?? new Uint8Array(0);
    if (this.clientState === "joined") this.node.received += textOf(chunk);
    if (this.clientState !== "open") return;
    if (this.passingUp === 0) return lend(chunk, (lent) => this.session.clientData(lent));
    const moved = Math.min(this.passingUp, chunk.length);
    if (moved < chunk.length) this.waiting.unshift(chunk.slice(moved));
    this.passingUp -= moved;
    this.node.received += textOf(chunk.subarray(0, moved));
    this.session.passedUp(moved);
    if (this.passingUp === 0) this.session.passedUp(null);
    return undefined;
  }

  private deliverDown(): void {
    const chunk = this.answers.shift() ?? new Uint8Array(0);
    if (this.clientState === "joined") this.received += textOf(chunk);
    if (this.clientState === "joined" || this.nodes.at(-1)?.state !== "open") return;
    if (this.passingDown === 0) return lend(chunk, (lent) => this.session.nodeData(lent));
    const moved = Math.min(this.passingDown, chunk.length);
    if (moved < chunk.length) this.answers.unshift(chunk.slice(moved));
    this.passingDown -= moved;
    this.received += textOf(chunk.subarray(0, moved));
    this.session.passedDown(moved);
    if (this.passingDown === 0) this.session.passedDown(null);
    return undefined;
  }

  // ── SessionEffects ──

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return 1_700_000_000_000;
  }

  route(request: Request): Forward | Reply {
    if (this.options.route !== undefined) return this.options.route(request);
    const node = (this.options.nodeOf ?? nodeOfHost)(request.host);
    if (node < 0) return request.host === null ? namelessHost() : unknownHost(request.host, null);
    this.routed = node;
    return forward(this.options.trusted ?? false, this.options.forwarded ?? false);
  }

  start(first: Uint8Array): Started {
    if (this.connected === this.routed && this.nodes.at(-1)?.state === "open") {
      return this.toNode(first) ? "open" : "full";
    }
    if (this.nodes.at(-1)?.state === "open") this.node.state = "finished";
    this.restart(first);
    return "dialing";
  }

  restart(first: Uint8Array): void {
    this.connected = this.routed;
    this.first = first;
    this.nodes.push({ received: "", state: "dialing" });
    this.nodeReading = true;
    this.answers = [];
  }

  toNode(bytes: Uint8Array): boolean {
    this.writes += 1;
    if (this.nodeFull) throw new Error("Written to a node that is full");
    this.node.received += textOf(bytes);
    return !this.nodeFull;
  }

  toClient(bytes: Uint8Array): boolean {
    this.writes += 1;
    if (this.clientState !== "open") throw new Error(`Written to a client that is ${this.clientState}`);
    this.received += textOf(bytes);
    return !this.clientFull;
  }

  readNode(on: boolean): void {
    this.nodeReading = on;
  }

  readClient(on: boolean): void {
    this.clientReading = on;
  }

  passUp(bytes: number): void {
    this.passes.push(`up ${bytes}`);
    this.passingUp = bytes;
  }

  nodeIsFull(): boolean {
    return this.nodeFull;
  }

  passDown(bytes: number): void {
    this.passes.push(`down ${bytes}`);
    this.passingDown = bytes;
  }

  join(
    _request: Request | null,
    toNode: readonly Uint8Array[],
    toClient: readonly Uint8Array[],
    soFar: ExchangeEnd,
  ): void {
    const down = toClient.map(textOf).join("");
    const up = toNode.map(textOf).join("");
    this.joins.push({ toNode: up, toClient: down });
    this.received += down;
    this.node.received += up;
    this.clientState = "joined";
    this.ends.push(soFar);
  }

  closeNode(clean: boolean): void {
    this.node.state = clean ? "finished" : "destroyed";
    this.passingUp = 0;
    this.passingDown = 0;
    this.answers = [];
  }

  closeClient(): void {
    this.clientState = "finished";
  }

  destroyClient(): void {
    this.clientState = "destroyed";
  }

  ended(_request: Request | null, end: ExchangeEnd): void {
    this.ends.push(end);
  }
}

/** The chunk is valid during the call only: whoever keeps it shall find other bytes there. */
function lend(chunk: Uint8Array, use: (lent: Uint8Array) => void): void {
  const lent = chunk.slice();
  use(lent);
  lent.fill(0xee);
}

export function forward(trusted = false, forwarded = false, idleMs = IDLE_MS): Forward {
  return { kind: "forward", idleMs, client: { ip: CLIENT_IP, localIp: LOCAL_IP, port: PORT, trusted, forwarded } };
}

/** `*.apps.hub.lab` is node 0, `*.apps.managed1.lab` node 1. */
export function nodeOfHost(host: string | null): number {
  if (host === null) return -1;
  if (host.endsWith(".apps.hub.lab")) return 0;
  return host.endsWith(".apps.managed1.lab") ? 1 : -1;
}

/** The lines edge-lb adds for this host. */
export function added(host: string | null, ip = CLIENT_IP, port = PORT): string {
  const forwardedHost = host === null ? "" : `X-Forwarded-Host: ${host}\r\n`;
  return `X-Forwarded-For: ${ip}\r\nX-Forwarded-Proto: http\r\n${forwardedHost}X-Forwarded-Port: ${port}\r\n`;
}
