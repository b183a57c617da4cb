/** A node's answer: read, judged and turned into what the client gets. */
import { Body } from "../message/body.ts";
import { forwardResponse } from "./forward.ts";
import { Gather } from "../message/gather.ts";
import { HeadReader, type HeadLimits } from "../message/head.ts";
import type { Request } from "../message/request.ts";
import { readResponse, type Response, type ResponseFault, type ResponseHead } from "../message/response.ts";
import { StatusLine } from "../message/start-line.ts";
import type { AnswerState } from "./states.ts";

export class Answer {
  state: AnswerState = "awaited";
  /** Set while `state` is "bad". */
  fault: ResponseFault = "start-line";
  /** Of the final head, or of a 101; 0 before. */
  status = 0;
  /** A byte of it arrived. */
  spoken = false;
  /** The node's connection cannot serve again. */
  closeNode = false;
  /** The client's connection ends with this answer. */
  closeClient = false;
  /** For the client. */
  readonly out = new Gather();
  readonly body: Body;
  private readonly head: ResponseHead;

  constructor(limits: HeadLimits) {
    this.body = new Body(limits);
    this.head = new HeadReader(new StatusLine(), limits);
  }

  begin(closeClient: boolean): void {
    this.state = "awaited";
    this.status = 0;
    this.spoken = false;
    this.closeNode = false;
    this.closeClient = closeClient;
    this.out.clear();
    this.head.reset();
  }

  /**
   * Read on until the answer is complete or the chunk is used up.
   * @param asking The request's body is not complete yet.
   * @returns The position after the last byte taken.
   */
  read(chunk: Uint8Array, request: Request, asking: boolean): number {
    this.spoken = true;
    let at = 0;
    while (at < chunk.length) {
      if (this.state === "awaited") at = this.takeHead(chunk, at, request, asking);
      else if (this.state === "body") at = this.takeBody(chunk, at);
      else break;
    }
    return at;
  }

  private takeBody(chunk: Uint8Array, from: number): number {
    const { body } = this;
    const at = body.feed(chunk, from, this.out);
    if (body.state === "done") this.state = "done";
    if (body.state === "bad") this.refuse(body.fault);
    return at;
  }

  private takeHead(chunk: Uint8Array, from: number, request: Request, asking: boolean): number {
    const { head } = this;
    const at = head.feed(chunk, from);
    if (head.state === "bad") this.refuse(head.fault);
    if (head.state !== "done") return at;
    const response = readResponse(head, request);
    if (response.kind === "bad") this.refuse(response.fault);
    else if (response.switched && asking) this.refuse("upgrade before the body's end");
    else if (response.status < 200 && request.minor === 0) head.reset(); // RFC 9110 §15.2: such a client knows none
    else this.take(response, asking);
    return at;
  }

  private take(response: Response, asking: boolean): void {
    const { head, out } = this;
    if (response.close) this.closeNode = true;
    if (response.switched) {
      this.state = "switched";
      this.status = response.status;
    } else if (response.status >= 200) {
      this.takeFinal(response, asking);
    }
    forwardResponse(head, response, this.closeClient && !response.switched, out);
    if (!head.inPlace) out.own();
    head.reset();
  }

  private takeFinal(response: Response, asking: boolean): void {
    const { body } = this;
    this.status = response.status;
    // a node that closes before the request's end leaves a body that cannot be sent anywhere
    if (response.framing.kind === "close" || (response.close && asking)) this.closeClient = true;
    body.begin(response.framing, response.unchunked);
    this.state = body.state === "done" ? "done" : "body";
  }

  private refuse(fault: ResponseFault): void {
    this.state = "bad";
    this.fault = fault;
  }
}
