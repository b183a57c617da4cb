/** A client's request: read, judged and turned into what the node gets. */
import { Body } from "../message/body.ts";
import { spells } from "../message/bytes.ts";
import { AddedLines, forwardRequest, type ClientInfo } from "./forward.ts";
import { Gather } from "../message/gather.ts";
import { HeadReader, type HeadLimits } from "../message/head.ts";
import { replyFormat, type ReplyFormat } from "./reply.ts";
import { HostMemo, readRequest, type Request, type RequestFault, type RequestHead } from "../message/request.ts";
import { RequestLine } from "../message/start-line.ts";
import type { AskState } from "./states.ts";

export class Ask {
  /** With "asked", `request` is set. */
  state: AskState = "head";
  /** Set while `state` is "bad". */
  fault: RequestFault = "start-line";
  request: Request | null = null;
  /** How a reply of our own must look. */
  format: ReplyFormat = "text";
  bodiless = false;
  /** For the node. */
  readonly out = new Gather();
  readonly head: RequestHead;
  readonly body: Body;
  private readonly hosts = new HostMemo();
  private readonly lines = new AddedLines();

  constructor(limits: HeadLimits) {
    this.head = new HeadReader(new RequestLine(), limits);
    this.body = new Body(limits);
  }

  /** Has a head begun that is not complete? */
  get begun(): boolean {
    return this.state === "head" && this.head.begun;
  }

  /** More of the body must come. */
  get open(): boolean {
    return this.state === "asked" && this.body.state === "more";
  }

  /** Head or body cannot be understood: see `fault`. */
  get bad(): boolean {
    return this.state === "bad";
  }

  /** @returns The position after the last byte taken. */
  readHead(chunk: Uint8Array, from: number): number {
    const { head } = this;
    const at = head.feed(chunk, from);
    if (head.state === "bad") this.refuse(head.fault);
    if (head.state === "done") this.judge();
    return at;
  }

  private judge(): void {
    const { head } = this;
    this.format = replyFormat(head);
    this.bodiless = spells(head.bytes, head.from, head.start.methodTo, "head");
    const request = readRequest(head, this.hosts);
    if (request.kind === "refused") return this.refuse(request.fault);
    this.request = request;
    this.state = "asked";
    return undefined;
  }

  /** Put the head, and what of the body came with it, into `out`. @returns The position after the last byte taken. */
  forward(client: ClientInfo, chunk: Uint8Array, from: number): number {
    const { head, body, request } = this;
    if (request === null) return from;
    forwardRequest(head, request, client, this.lines, this.out);
    body.begin(request.framing);
    const at = this.readBody(chunk, from);
    head.reset();
    return at;
  }

  readBody(chunk: Uint8Array, from: number): number {
    const { body } = this;
    const at = body.feed(chunk, from, this.out);
    if (body.state === "bad") this.refuse(body.fault);
    return at;
  }

  /** It is over: the next one may begin. */
  forget(): void {
    this.state = "head";
    this.request = null;
    this.format = "text";
    this.bodiless = false;
    this.out.clear();
    this.out.shrink();
  }

  private refuse(fault: RequestFault): void {
    this.state = "bad";
    this.fault = fault;
  }
}
