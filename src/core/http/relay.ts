/** One request at a time on its way to a node, the connection to that node, and the answer on its way back. */
import { Answer } from "./answer.ts";
import { Ask } from "./ask.ts";
import { Deadline } from "./deadline.ts";
import type { ExchangeEnd, SessionEffects, SessionSettings, Forward } from "./effects.ts";
import { Flow } from "./flow.ts";
import { renderReply, type EndWord, type Reply } from "./reply.ts";
import type { Request } from "../message/request.ts";
import type { AnswerState, NodeState } from "./states.ts";

export class Relay {
  /** The connection to a node. */
  node: NodeState = "none";
  readonly ask: Ask;
  readonly answer: Answer;
  readonly flow: Flow;
  readonly due: Deadline;
  /** Without a byte either way for this long, the request ends; 0: never. */
  private idleMs = 0;
  /** A byte of a final answer went to the client: no reply of our own can take its place. */
  answering = false;
  /** Sent to the client; 0: none. */
  private status = 0;
  private readonly effects: SessionEffects;
  /** The request's first bytes, as long as they may have to be sent again. */
  private first: Uint8Array | null = null;
  /** The connection served an earlier request: it may have died unnoticed. */
  private reused = false;

  /** Of the settings only parts are kept: they are a snapshot's, which may be replaced while the connection lasts. */
  constructor(effects: SessionEffects, { limits, timeouts }: SessionSettings) {
    this.effects = effects;
    this.due = new Deadline(effects, timeouts);
    this.flow = new Flow(effects);
    this.ask = new Ask(limits);
    this.answer = new Answer(limits);
  }

  /** The answer is there and nothing of the request is missing: the connection to the node could take another one. */
  get complete(): boolean {
    return this.answer.state === "done" && !this.ask.open;
  }

  // ── time ──

  /** For the client's connection: while the node would take more of a body, the client owes it. */
  get deadline(): number {
    return this.due.at(this.ask.open && this.node === "open" && !this.flow.nodeFull);
  }

  /** Something of the exchange moved. */
  touch(): void {
    if (this.node === "open" && this.ask.request !== null) this.due.rest(this.idleMs);
  }

  /** The client sent something, or could not have sent it earlier. */
  touchBody(): void {
    if (this.ask.open) this.due.restBody();
    this.touch();
  }

  // ── the request ──

  /** Send the head, and what of the body came with it, unless the body is malformed. @returns The position after the last byte taken. */
  forward({ idleMs, client }: Forward, chunk: Uint8Array, from: number): number {
    const { ask } = this;
    this.idleMs = idleMs;
    const at = ask.forward(client, chunk, from);
    const first = ask.state === "bad" ? null : ask.out.take();
    if (first !== null) this.start(first);
    return at;
  }

  /** On the open connection if it leads where the request goes; else dial, and send then. */
  private start(first: Uint8Array): void {
    this.first = first;
    this.flow.upBytes = first.length;
    const started = this.effects.start(first);
    this.reused = started !== "dialing";
    if (started === "dialing") return this.dialing();
    this.node = "open";
    this.flow.nodeFull = started === "full";
    return undefined;
  }

  /** Nothing of an answer came on a connection that had served an earlier request: it may have been dead before this one. */
  get stale(): boolean {
    return this.reused && !this.answer.spoken;
  }

  /**
   * The connection ended without an answer: dial again if it had served an earlier request and this one may be sent twice.
   * @see RFC 9110 §9.2.2 (idempotent methods), RFC 9112 §9.3.1 (retrying requests)
   */
  retry(): boolean {
    const { first } = this;
    if (!this.stale || this.ask.request?.repeatable !== true || first === null) return false;
    this.closeNode(false);
    this.reused = false;
    this.dialing();
    this.effects.restart(first);
    return true;
  }

  private dialing(): void {
    this.node = "dialing";
    this.due.stop(); // a dial has limits of its own
    this.flow.nodeNew();
  }

  /** @returns The position after the last byte taken. */
  readBody(chunk: Uint8Array, from: number): number {
    const { ask } = this;
    const at = ask.readBody(chunk, from);
    const bytes = ask.state === "bad" ? null : ask.out.take();
    if (bytes !== null) this.flow.toNode(bytes);
    return at;
  }

  // ── the answer ──

  /** Read on, and send the client what of it may leave, unless it is malformed or changes the protocol. */
  readAnswer(chunk: Uint8Array, request: Request): AnswerState {
    const { answer } = this;
    const at = answer.read(chunk, request, this.ask.open);
    this.status = answer.status;
    if (answer.state === "bad") return "bad";
    if (answer.state === "switched") {
      answer.out.add(chunk, at, chunk.length); // the other protocol's first bytes
      return "switched";
    }
    const bytes = answer.out.take();
    this.answering = answer.state !== "awaited";
    if (bytes !== null) this.flow.toClient(bytes);
    // bytes after an answer belong to no request: that connection is not to be trusted with another one
    if (at < chunk.length) answer.closeNode = true;
    return answer.state;
  }

  /** Both connections speak another protocol from here on. @param ahead What the client sent already. */
  join(ahead: readonly Uint8Array[]): void {
    const toClient = this.answer.out.take()?.slice();
    this.node = "none";
    this.effects.join(this.ask.request, ahead, toClient === undefined ? [] : [toClient], this.soFar("done", null));
    this.forget();
  }

  /** A reply of our own, in the form the request asked for. */
  say(reply: Reply): void {
    const { format, bodiless } = this.ask;
    this.status = reply.status;
    this.flow.toClient(renderReply(reply, format, bodiless, this.effects.wallMs()));
  }

  // ── large bodies, which the runtime moves ──

  tryPassUp(): void {
    if (this.node === "open") this.flow.tryUp(this.ask.body);
  }

  tryPassDown(): void {
    if (this.node === "open" && this.answer.state === "body") this.flow.tryDown(this.answer.body);
  }

  // ── ends ──

  tellEnd(end: EndWord, note: string | null): void {
    this.effects.ended(this.ask.request, this.soFar(end, note));
  }

  private soFar(end: EndWord, note: string | null): ExchangeEnd {
    return { end, note, status: this.status, up: this.flow.upBytes, down: this.flow.downBytes };
  }

  /** @param clean Nothing is under way on the connection. */
  closeNode(clean: boolean): void {
    if (this.node === "none") return;
    this.node = "none";
    this.flow.nodeNew();
    this.effects.closeNode(clean);
  }

  /** Be ready for the next request. */
  forget(): void {
    this.ask.forget();
    this.answer.out.clear();
    this.answer.out.shrink();
    this.first = null;
    this.answering = false;
    this.status = 0;
    this.flow.upBytes = 0;
    this.flow.downBytes = 0;
  }
}
