/**
 * One client connection to port 80, without sockets and clocks: bytes and events in, `SessionEffects` out.
 * Requests are served one after the other: the next one is looked at when the last answer is complete, so that every request is
 * routed on its own and answers cannot change places. At most one node connection is open, and it serves nobody else.
 * @see RFC 9112 §9 (connections), §9.3.2 (pipelining)
 */
import { Answer } from "./answer.ts";
import { Ask } from "./ask.ts";
import type { ExchangeEnd, SessionEffects, SessionSettings } from "./effects.ts";
import { Flow } from "./flow.ts";
import { Held } from "./held.ts";
import { badAnswer, badRequest, bodyTimeout, cutOff, headTimeout, lastStop, nodeGone, nodeTimeout } from "./replies.ts";
import { renderReply, type EndWord, type Reply } from "./reply.ts";
import type { Request } from "./request.ts";

export class HttpSession {
  /** When `expired` is due, on the clock of `effects.nowMs`; may change with every event. */
  deadline: number;
  /** waiting: for a request head; exchange: one is routed; over: closed, joined or about to be. */
  private phase: "waiting" | "exchange" | "over" = "waiting";
  private node: "none" | "dialing" | "open" = "none";
  private readonly effects: SessionEffects;
  /** Of the snapshot only these are kept: it may be replaced while the connection lasts. */
  private readonly timeouts: SessionSettings["timeouts"];
  private readonly flow: Flow;

  private readonly ask: Ask;
  private readonly answer: Answer;
  /** What the client sent beyond what could be taken; it is not read from while there is some. */
  private readonly held = new Held();
  private readonly take = (chunk: Uint8Array): number => this.consume(chunk);
  private clientEnded = false;
  private draining = false;
  private served = 0;

  private idleMs = 0;
  /** The request's first bytes, as long as they may have to be sent again. */
  private first: Uint8Array | null = null;
  /** The node's connection served an earlier request: it may have died unnoticed. */
  private reused = false;
  /** A byte of a final answer went to the client. */
  private answering = false;
  private status = 0;

  constructor(effects: SessionEffects, { limits, timeouts }: SessionSettings) {
    this.effects = effects;
    this.timeouts = timeouts;
    this.deadline = effects.nowMs() + timeouts.httpHead;
    this.flow = new Flow(effects);
    this.ask = new Ask(limits);
    this.answer = new Answer(limits);
  }

  // ── what happens to the client's connection ──

  clientData(chunk: Uint8Array): void {
    if (this.phase === "over") return;
    this.touch();
    this.held.add(chunk, this.held.some ? 0 : this.consume(chunk));
    this.settle();
  }

  clientDrain(): void {
    this.flow.clientFull = false;
    this.touch();
    this.tryPassDown();
    this.pump();
  }

  /** The client's FIN. It may still read: what it asked for completely is answered. */
  clientEnd(): void {
    this.clientEnded = true;
    if (this.phase !== "over" && !this.held.some) this.checkClientEnd();
  }

  clientLeft(end: "client closed" | "client reset" | "internal error"): void {
    if (this.phase === "over") return;
    if (this.phase === "exchange") this.tellEnd(end, null);
    this.over();
  }

  // ── what happens to the node's ──

  nodeOpen(): void {
    if (this.phase === "over") return;
    this.node = "open";
    this.touch();
    this.tryPassUp();
    this.pump();
  }

  /** No node could be reached; `reply` says so. */
  nodeFailed(reply: Reply): void {
    if (this.phase === "over") return;
    this.node = "none";
    this.reply(reply);
  }

  nodeData(chunk: Uint8Array): void {
    const { request } = this.ask;
    if (this.phase === "over" || this.node !== "open") return;
    // nobody asked: it would be taken for the answer to the next request
    if (request === null || this.answer.state === "done") return this.unasked();
    this.touch();
    const at = this.answer.read(chunk, request, this.ask.open);
    this.status = this.answer.status;
    return this.answerRead(chunk, at);
  }

  nodeDrain(): void {
    this.flow.nodeFull = false;
    this.touch();
    this.tryPassUp();
    this.pump();
  }

  /** Its FIN, or its end without one. */
  nodeLeft(end: "node closed" | "node reset"): void {
    const { answer } = this;
    if (this.node !== "open") return;
    if (this.phase === "waiting") return this.dropNode();
    if (answer.state === "awaited") return this.unanswered(end);
    if (answer.state === "body" && !(answer.body.endsByClose && end === "node closed")) return this.truncate(end, null);
    answer.state = "done";
    answer.closeNode = true;
    this.answered();
    return this.pump();
  }

  // ── what control and time do ──

  /** The node's connection must end now. */
  cut(end: Extract<EndWord, `cut: ${string}`>): void {
    if (this.phase === "over" || this.node === "none") return;
    if (this.phase === "waiting" || this.answer.state === "done") this.unasked();
    else if (this.answering) this.truncate(end, null);
    else this.reply(cutOff(end));
  }

  /** Serve what was asked for already, then close. */
  drain(): void {
    this.draining = true;
    if (this.phase === "exchange") this.answer.closeClient = true;
    else if (this.phase === "waiting" && !this.ask.begun && !this.held.some) this.close();
  }

  /** `deadline` has come. */
  expired(): void {
    if (this.phase === "over") return;
    if (this.phase === "waiting") return this.ask.begun ? this.reply(headTimeout()) : this.close();
    if (this.answering) return this.truncate("idle", null);
    return this.reply(this.ask.open && !this.flow.nodeFull ? bodyTimeout() : nodeTimeout());
  }

  /** So many bytes went to the node unseen; null: all that were announced. */
  passedUp(bytes: number | null): void {
    this.flow.movedUp(this.ask.body, bytes);
    this.touch();
    if (bytes !== null || this.phase === "over") return;
    if (!this.ask.open) this.requestDone();
    this.pump();
  }

  passedDown(bytes: number | null): void {
    const { answer } = this;
    this.flow.movedDown(answer.body, bytes);
    this.touch();
    if (bytes !== null || this.phase === "over") return;
    if (answer.body.state === "done") {
      answer.state = "done";
      this.answered();
    }
    this.pump();
  }

  // ── requests ──

  /** Go on with what is held. */
  private pump(): void {
    this.held.offer(this.take);
    if (this.clientEnded && !this.held.some && !this.isOver()) this.checkClientEnd();
    this.settle();
  }

  /** Take as much of the client's bytes as can be taken now. @returns how many. */
  private consume(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.phase === "over") return chunk.length;
      if (this.phase === "waiting" && !this.flow.clientFull) at = this.takeHead(chunk, at);
      else if (this.node === "open" && this.ask.open && !this.flow.nodeFull) at = this.takeBody(chunk, at);
      else break;
    }
    return at;
  }

  private takeHead(chunk: Uint8Array, from: number): number {
    const { ask } = this;
    if (!ask.begun && this.served > 0) this.deadline = this.effects.nowMs() + this.timeouts.httpHead;
    const at = ask.readHead(chunk, from);
    if (ask.state === "bad") return this.refuse();
    return ask.request === null ? at : this.begin(ask.request, chunk, at);
  }

  private begin(request: Request, chunk: Uint8Array, from: number): number {
    const { ask } = this;
    this.phase = "exchange";
    this.answer.begin(request.close || this.draining);
    const target = request.maxForwards === 0 ? lastStop(request.method) : this.effects.route(request, ask.head);
    if (target.kind === "reply") {
      this.reply(target);
      return chunk.length;
    }
    this.idleMs = target.idleMs;
    const at = ask.forward(target.forwarding, chunk, from);
    if (this.isBad()) return this.refuse();
    this.start();
    return at;
  }

  private start(): void {
    const first = this.ask.out.take();
    if (first === null) return;
    this.first = first;
    this.flow.upBytes = first.length;
    const started = this.effects.start(first);
    this.reused = started !== "dialing";
    if (started === "dialing") this.dialing();
    else {
      this.node = "open";
      this.flow.nodeFull = started === "full";
      this.touch();
      this.tryPassUp();
    }
  }

  private dialing(): void {
    this.node = "dialing";
    this.flow.nodeNew();
    this.deadline = Infinity; // a dial has limits of its own
  }

  private takeBody(chunk: Uint8Array, from: number): number {
    const { ask } = this;
    const at = ask.readBody(chunk, from);
    if (ask.state === "bad") return this.refuse();
    const bytes = ask.out.take();
    if (bytes !== null) this.flow.toNode(bytes);
    if (ask.open) this.tryPassUp();
    else this.requestDone();
    return at;
  }

  private requestDone(): void {
    if (this.phase === "exchange" && this.answer.state === "done") this.finish();
  }

  /** Whatever else the client sent is not looked at. */
  private refuse(): number {
    const { fault } = this.ask;
    if (this.answering) this.truncate("bad request", fault);
    else this.reply(badRequest(fault));
    return Infinity;
  }

  private isBad(): boolean {
    return this.ask.state === "bad";
  }

  /** After a FIN nothing more of a request can come. */
  private checkClientEnd(): void {
    if (this.phase === "waiting") return this.close();
    if (!this.ask.open || this.node === "dialing") return;
    this.tellEnd("client closed", null);
    this.close();
  }

  // ── answers ──

  private answerRead(chunk: Uint8Array, at: number): void {
    const { answer } = this;
    if (answer.state === "bad") return this.badAnswer();
    if (answer.state === "switched") return this.switchOver(chunk, at);
    this.flushDown();
    // bytes after an answer are nobody's: that connection is not to be trusted with another request
    if (at < chunk.length) answer.closeNode = true;
    if (answer.state === "done") this.answered();
    else this.tryPassDown();
    return this.pump();
  }

  private flushDown(): void {
    const bytes = this.answer.out.take();
    this.answering = this.answer.state !== "awaited";
    if (bytes !== null) this.flow.toClient(bytes);
  }

  private switchOver(chunk: Uint8Array, at: number): void {
    const { out } = this.answer;
    const { request } = this.ask;
    out.add(chunk, at, chunk.length);
    const toClient = out.take()?.slice();
    const soFar = this.ending("done", null);
    this.phase = "over";
    this.node = "none";
    this.deadline = Infinity;
    this.effects.join(request, this.held.take(), toClient === undefined ? [] : [toClient], soFar);
    this.forget();
  }

  /** The answer is complete; the request may not be. */
  private answered(): void {
    const { answer } = this;
    if (this.ask.open && !answer.closeNode && !answer.closeClient) return;
    if (this.ask.open) answer.closeClient = true;
    this.finish();
  }

  private finish(): void {
    const { answer } = this;
    this.tellEnd("done", null);
    if (answer.closeNode) this.dropNode();
    if (answer.closeClient) return this.close();
    this.phase = "waiting";
    this.served += 1;
    this.deadline = this.effects.nowMs() + this.timeouts.keepAlive;
    return this.forget();
  }

  private badAnswer(): void {
    const { fault } = this.answer;
    if (this.answering) this.truncate("bad answer", fault);
    else this.reply(badAnswer(fault));
  }

  private unanswered(end: "node closed" | "node reset"): void {
    const again = this.reused && !this.answer.spoken && this.ask.request?.repeatable === true;
    if (!again || this.first === null) return this.reply(nodeGone(end));
    this.dropNode();
    this.reused = false;
    this.dialing();
    return this.effects.restart(this.first);
  }

  /** The node's connection is of no more use, while the client's goes on if nothing depends on it. */
  private unasked(): void {
    this.answer.closeNode = true;
    if (this.phase === "exchange") this.answered();
    else this.dropNode();
  }

  // ── ends ──

  /** Say something of our own instead of a node, and close. */
  reply(reply: Reply): void {
    const bytes = renderReply(reply, this.ask.format, this.ask.bodiless, this.effects.wallMs());
    this.status = reply.status;
    this.flow.toClient(bytes);
    this.tellEnd(reply.end, reply.note);
    this.close();
  }

  /** The answer has begun and cannot be completed: the client must notice. */
  private truncate(end: EndWord, note: string | null): void {
    this.tellEnd(end, note);
    // a FIN would look like the end of a close-delimited body
    const silent = this.answer.body.endsByClose;
    this.over();
    if (silent) this.effects.destroyClient();
    else this.effects.closeClient();
  }

  private tellEnd(end: EndWord, note: string | null): void {
    this.effects.ended(this.ask.request, this.ending(end, note));
  }

  private ending(end: EndWord, note: string | null): ExchangeEnd {
    return { end, note, status: this.status, up: this.flow.upBytes, down: this.flow.downBytes };
  }

  private close(): void {
    this.over();
    this.effects.closeClient();
  }

  private over(): void {
    this.dropNode();
    this.phase = "over";
    this.deadline = Infinity;
    this.held.clear();
    this.forget();
  }

  private isOver(): boolean {
    return this.phase === "over";
  }

  private forget(): void {
    this.ask.forget();
    this.first = null;
    this.answering = false;
    this.status = 0;
    this.flow.upBytes = 0;
    this.flow.downBytes = 0;
    this.answer.out.clear();
    this.answer.out.shrink();
  }

  private dropNode(): void {
    if (this.node === "none") return;
    this.node = "none";
    this.flow.nodeNew();
    this.effects.dropNode(this.phase === "waiting" || (this.answer.state === "done" && !this.ask.open));
  }

  // ── flow ──

  private touch(): void {
    if (this.phase === "exchange" && this.node === "open") this.deadline = this.effects.nowMs() + this.idleMs;
  }

  private settle(): void {
    if (this.phase !== "over") this.flow.settle(this.held.some, this.node === "open");
  }

  private tryPassUp(): void {
    if (this.phase === "exchange" && this.node === "open" && !this.held.some) this.flow.tryUp(this.ask.body);
  }

  private tryPassDown(): void {
    if (this.phase !== "exchange" || this.node !== "open" || this.answer.state !== "body") return;
    this.flow.tryDown(this.answer.body);
  }
}
