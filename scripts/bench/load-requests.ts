/** Keep-alive HTTP requests: one under way per connection. */
import { ERRNO, readBuffer, receive, send } from "./calls.ts";
import { connectNext, ended, type Order, type Outcome, runUntil, type Span, type Target } from "./load-common.ts";
import type { Net, Watcher } from "./net.ts";
import { Samples } from "./samples.ts";
import { BODY_BYTES, bodyOf } from "./traffic.ts";

const HEAD_END = Buffer.from("\r\n\r\n");
const STATUS = Buffer.from("HTTP/1.1 200 ");

interface Question {
  readonly request: Uint8Array;
  readonly bodies: readonly Uint8Array[];
}

function questionOf({ name, nodes }: Target): Question {
  const head = ["GET /healthz HTTP/1.1", `Host: ${name}`, "User-Agent: edge-lb-bench/1", "Accept: */*", "", ""];
  return { request: Buffer.from(head.join("\r\n")), bodies: nodes.map((node) => Buffer.from(bodyOf(node, name))) };
}

export class Asker implements Watcher {
  readonly fd: number;
  waiting = false;
  private readonly question: Question;
  private samples = new Samples();
  private endsAt = 0;
  private most = 0;
  private askedAt = 0;
  private held: Buffer | null = null;

  constructor(fd: number, question: Question) {
    this.fd = fd;
    this.question = question;
  }

  begin(samples: Samples, endsAt: number, most: number): void {
    this.samples = samples;
    this.endsAt = endsAt;
    this.most = most;
    this.ask();
  }

  private ask(): void {
    this.waiting = true;
    this.askedAt = performance.now();
    const n = send(this.fd, this.question.request);
    if (n !== this.question.request.length) throw ended(n, "at a request");
  }

  onReady(): void {
    const n = receive(this.fd);
    if (n === -ERRNO.EAGAIN) return;
    if (n <= 0) throw ended(n, "where a response was due");
    const fresh = Buffer.from(readBuffer.buffer, 0, n);
    const bytes = this.held === null ? fresh : Buffer.concat([this.held, fresh]);
    const bodyAt = bytes.indexOf(HEAD_END) + HEAD_END.length;
    const missing = bodyAt < HEAD_END.length ? 1 : bodyAt + BODY_BYTES - bytes.length;
    this.held = missing > 0 ? Buffer.from(bytes) : null;
    if (missing > 0) return this.onReady();
    if (missing < 0) throw new Error(`${-missing} bytes after a response: ${bytes.toString("latin1", 0, 60)}`);
    this.judge(bytes, bodyAt);
  }

  private judge(bytes: Buffer, bodyAt: number): void {
    const isOk = bytes.compare(STATUS, 0, STATUS.length, 0, STATUS.length) === 0;
    const isRight = this.question.bodies.some((body) => bytes.compare(body, 0, BODY_BYTES, bodyAt) === 0);
    if (!isOk || !isRight) throw new Error(`wrong response: ${bytes.toString("latin1", 0, 200)}`);
    const now = performance.now();
    this.samples.add(now - this.askedAt);
    this.waiting = false;
    if (now < this.endsAt && this.samples.count < this.most) this.ask();
  }
}

/** Connects and asks once on every connection: a peer that accepts late is no part of the measurement. */
export function openAskers(net: Net, order: Order): Asker[] {
  const questions = order.targets.map(questionOf);
  const askers: Asker[] = [];
  for (let i = 0; i < order.connections; i++) {
    const question = questions[i % questions.length];
    if (question === undefined) throw new Error("no target");
    const asker = new Asker(connectNext(order.to), question);
    net.watch(asker.fd, asker);
    askers.push(asker);
  }
  runRequests(net, askers, { seconds: 0, most: 0 });
  return askers;
}

export function runRequests(net: Net, askers: readonly Asker[], { seconds, most }: Span): Outcome {
  const samples = new Samples();
  const begunAt = performance.now();
  for (const asker of askers) asker.begin(samples, begunAt + seconds * 1000, most);
  runUntil(
    net,
    () => !askers.some(({ waiting }) => waiting),
    () => samples.count,
  );
  return { units: samples.count, seconds: (performance.now() - begunAt) / 1000, ...samples.quantiles() };
}
