/**
 * One client connection to port 80, without sockets and clocks: bytes and events in, `SessionEffects` out.
 * Requests are served one after the other: the next one is looked at when the last answer is complete, so that every request is
 * routed on its own and answers cannot change places. At most one node connection is open, and it serves this client alone.
 * Its states and all their changes stand in `states.ts`.
 * @see RFC 9112 §9 (connections), §9.3.2 (pipelining)
 */
import type { SessionEffects, SessionSettings } from "./effects.ts";
import { Held } from "./held.ts";
import { Relay } from "./relay.ts";
import { badAnswer, badRequest, bodyTimeout, cutOff, headTimeout, lastStop, nodeGone, nodeTimeout } from "./replies.ts";
import type { EndWord, Reply } from "./reply.ts";
import type { Request } from "../message/request.ts";
import type { Phase } from "./states.ts";

export class HttpSession {
  private phase: Phase = "waiting";
  private readonly effects: SessionEffects;
  private readonly relay: Relay;
  /** What the client sent beyond what could be taken; it is not read from while there is some. */
  private readonly held = new Held();
  private clientEnded = false;
  private draining = false;
  private served = 0;

  constructor(effects: SessionEffects, settings: SessionSettings) {
    this.effects = effects;
    this.relay = new Relay(effects, settings);
    this.relay.due.wait("httpHead");
  }

  /** When `expired` is due, on the clock of `effects.nowMs`; may change with every event. */
  get deadline(): number {
    return this.relay.deadline;
  }

  // ── what happens to the client's connection ──

  clientData(chunk: Uint8Array): void {
    if (this.phase === "over") return;
    this.relay.touchBody();
    this.held.add(chunk, this.held.some ? 0 : this.consume(chunk));
    this.settle();
  }

  clientDrain(): void {
    this.relay.flow.clientFull = false;
    this.relay.touch();
    this.relay.tryPassDown();
    this.pump();
  }

  /** The client's FIN. It may still read: what it asked for completely is answered. */
  clientEnd(): void {
    this.clientEnded = true;
    if (this.phase !== "over" && !this.held.some) this.checkClientEnd();
  }

  clientLeft(end: "client closed" | "client reset" | "internal error"): void {
    if (this.phase === "over") return;
    if (this.phase === "exchange") this.relay.tellEnd(end, null);
    this.over();
  }

  // ── what happens to the node's ──

  nodeOpen(): void {
    if (this.phase === "over") return;
    this.relay.node = "open";
    this.relay.touchBody();
    this.tryPassUp();
    this.pump();
  }

  /** No node could be reached; `reply` says so. */
  nodeFailed(reply: Reply): void {
    if (this.phase === "over") return;
    this.relay.node = "none";
    this.reply(reply);
  }

  nodeData(chunk: Uint8Array): void {
    const { relay } = this;
    const { request } = relay.ask;
    if (this.phase === "over" || relay.node !== "open") return undefined;
    // no request waits for it, and the next one's client would take it for the answer
    if (request === null || relay.answer.state === "done") return this.abandonNode();
    this.relay.touch();
    switch (relay.readAnswer(chunk, request)) {
      case "bad":
        return this.fail(badAnswer(relay.answer.fault));
      case "switched":
        return this.switchOver();
      case "done":
        this.answered();
        break;
      case "awaited":
        this.relay.due.restBody(); // a client may have waited for 100 with its body
        break;
      default:
        relay.tryPassDown();
    }
    return this.pump();
  }

  nodeDrain(): void {
    this.relay.flow.nodeFull = false;
    this.relay.touchBody();
    this.tryPassUp();
    this.pump();
  }

  /** Its FIN, or its end without one. */
  nodeLeft(end: "node closed" | "node reset"): void {
    const { relay } = this;
    const { answer } = relay;
    if (relay.node !== "open") return undefined;
    if (this.phase === "waiting") return this.closeNode();
    if (answer.state === "awaited") return relay.retry() ? undefined : this.unanswered(end);
    if (answer.state === "body" && !(answer.body.endsByClose && end === "node closed")) return this.fail(nodeGone(end));
    answer.state = "done";
    answer.closeNode = true;
    this.answered();
    return this.pump();
  }

  // ── what control and time do ──

  /** The node's connection must end now. */
  cut(end: Extract<EndWord, `cut: ${string}`>): void {
    if (this.phase === "over" || this.relay.node === "none") return;
    if (this.phase === "waiting" || this.relay.answer.state === "done") this.abandonNode();
    else this.fail(cutOff(end));
  }

  /** Serve what was asked for already, then close. */
  drain(): void {
    this.draining = true;
    if (this.phase === "exchange") this.relay.answer.closeClient = true;
    else if (this.phase === "waiting" && !this.relay.ask.begun && !this.held.some) this.close();
  }

  /** `deadline` has come. */
  expired(): void {
    const { ask, flow } = this.relay;
    if (this.phase === "over") return;
    if (this.phase === "waiting") return ask.begun ? this.reply(headTimeout()) : this.close();
    const byNode = flow.nodeHolds;
    if (byNode && !this.relay.due.passed) return this.relay.due.restBody();
    return this.fail(ask.open && !byNode ? bodyTimeout() : nodeTimeout());
  }

  /** So many bytes went to the node unseen; null: all that were announced. */
  passedUp(bytes: number | null): void {
    const { ask, flow } = this.relay;
    flow.movedUp(ask.body, bytes);
    this.relay.touchBody();
    if (bytes !== null || this.phase === "over") return;
    if (!ask.open) this.requestDone();
    this.pump();
  }

  passedDown(bytes: number | null): void {
    const { answer, flow } = this.relay;
    flow.movedDown(answer.body, bytes);
    this.relay.touch();
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
    for (let chunk = this.held.next; chunk !== null; chunk = this.held.next) {
      const taken = this.consume(chunk);
      if (taken === 0) break;
      this.held.skip(taken);
    }
    if (this.clientEnded && !this.held.some && this.phase !== "over") this.checkClientEnd();
    this.settle();
  }

  /** Take as much of the client's bytes as can be taken now. @returns how many. */
  private consume(chunk: Uint8Array): number {
    const { relay } = this;
    let at = 0;
    while (at < chunk.length) {
      if (this.phase === "over") return chunk.length;
      if (this.phase === "waiting" && !relay.flow.clientFull) at = this.takeHead(chunk, at);
      else if (relay.node === "open" && relay.ask.open && !relay.flow.nodeFull) at = this.takeBody(chunk, at);
      else break;
    }
    return at;
  }

  private takeHead(chunk: Uint8Array, from: number): number {
    const { ask } = this.relay;
    if (!ask.begun && this.served > 0) this.relay.due.wait("httpHead");
    const at = ask.readHead(chunk, from);
    if (ask.bad) return this.refuse();
    return ask.request === null ? at : this.begin(ask.request, chunk, at);
  }

  private begin(request: Request, chunk: Uint8Array, from: number): number {
    const { ask, answer } = this.relay;
    this.phase = "exchange";
    answer.begin(request.close || this.draining);
    const decision = request.maxForwards === 0 ? lastStop(request.method) : this.effects.route(request, ask.head);
    if (decision.kind === "reply") {
      this.reply(decision);
      return chunk.length;
    }
    const at = this.relay.forward(decision, chunk, from);
    if (ask.bad) return this.refuse();
    this.relay.touchBody();
    this.tryPassUp();
    return at;
  }

  private takeBody(chunk: Uint8Array, from: number): number {
    const { ask } = this.relay;
    const at = this.relay.readBody(chunk, from);
    if (ask.bad) return this.refuse();
    if (ask.open) this.tryPassUp();
    else this.requestDone();
    return at;
  }

  private requestDone(): void {
    if (this.phase === "exchange" && this.relay.answer.state === "done") this.finish();
  }

  /** Whatever else the client sent is not looked at. */
  private refuse(): number {
    this.fail(badRequest(this.relay.ask.fault));
    return Infinity;
  }

  /** After a FIN nothing more of a request can come. */
  private checkClientEnd(): void {
    if (this.phase === "waiting") return this.close();
    if (!this.relay.ask.open || this.relay.node === "dialing") return;
    this.relay.tellEnd("client closed", null);
    this.close();
  }

  // ── answers ──

  private switchOver(): void {
    this.phase = "over";
    this.relay.due.stop();
    this.relay.join(this.held.take());
  }

  /** The answer is complete; the request may not be. */
  private answered(): void {
    const { ask, answer } = this.relay;
    if (ask.open && !answer.closeNode && !answer.closeClient) return;
    if (ask.open) answer.closeClient = true;
    this.finish();
  }

  private finish(): void {
    const { relay } = this;
    relay.tellEnd("done", null);
    if (relay.answer.closeNode) this.closeNode();
    if (relay.answer.closeClient) return this.close();
    this.phase = "waiting";
    this.served += 1;
    this.relay.due.wait("keepAlive");
    return relay.forget();
  }

  /** The node's connection is of no more use, while the client's goes on if nothing depends on it. */
  private abandonNode(): void {
    this.relay.answer.closeNode = true;
    if (this.phase === "exchange") this.answered();
    else this.closeNode();
  }

  // ── ends ──

  /** Say something of our own instead of a node, and close. */
  reply(reply: Reply): void {
    this.relay.say(reply);
    this.relay.tellEnd(reply.end, reply.note);
    this.close();
  }

  /** The exchange cannot be completed: the client gets the reply or, once an answer has begun, an end that it must notice. */
  private fail(reply: Reply): void {
    const { answering, answer } = this.relay;
    if (!answering) return this.reply(reply);
    this.relay.tellEnd(reply.end, reply.note);
    // a FIN would look like the end of such a body
    const silent = answer.body.lacksEnd;
    this.over();
    if (silent) this.effects.destroyClient();
    else this.effects.closeClient();
  }

  /** An end without an answer tells a client that it may ask again; RFC 9112 §9.3.1. */
  private unanswered(end: "node closed" | "node reset"): void {
    if (!this.relay.stale) return this.fail(nodeGone(end));
    this.relay.tellEnd(end, "it was idle before; the client may ask again");
    return this.close();
  }

  private close(): void {
    this.over();
    this.effects.closeClient();
  }

  private over(): void {
    this.closeNode();
    this.phase = "over";
    this.relay.due.stop();
    this.held.clear();
    this.relay.forget();
  }

  private closeNode(): void {
    this.relay.closeNode(this.phase === "waiting" || this.relay.complete);
  }

  // ── flow ──

  private settle(): void {
    if (this.phase !== "over") this.relay.flow.settle(this.held.some, this.relay.node === "open");
  }

  private tryPassUp(): void {
    if (this.phase === "exchange" && !this.held.some) this.relay.tryPassUp();
  }
}
