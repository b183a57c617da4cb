/** Short connections: connect, hello, answer, close; a closed loop of so many at a time. */
import { check, EPOLL, ERRNO, readBuffer, receive, send } from "./calls.ts";
import { connectNext, ended, type Order, type Outcome, runUntil, type Span, type Target } from "./load-common.ts";
import { type At, connectFrom, type Net, type Watcher } from "./net.ts";
import { Samples } from "./samples.ts";
import { ANSWER_BYTES, answerOf, helloFor } from "./traffic.ts";

/** What a client sends, and every answer it takes. */
export interface Exchange {
  readonly name: string;
  readonly hello: Uint8Array;
  readonly answers: readonly Uint8Array[];
}

export function exchangeOf({ name, nodes }: Target): Exchange {
  return { name, hello: helloFor(name), answers: nodes.map((node) => answerOf(node, name)) };
}

/** Sends the hello and checks the answer, then tells. */
export abstract class Greeting implements Watcher {
  protected fd = -1;
  protected readonly net: Net;
  private exchange: Exchange | null = null;
  private helloWaits = false;
  private readonly answer = Buffer.alloc(ANSWER_BYTES);
  private got = 0;

  constructor(net: Net) {
    this.net = net;
  }

  protected abstract onAnswer(): void;
  protected abstract onFailure(error: Error): void;

  protected greet(fd: number, exchange: Exchange): void {
    this.fd = fd;
    this.exchange = exchange;
    this.got = 0;
    this.helloWaits = false;
    this.net.watch(fd, this);
    this.sendHello();
    if (this.helloWaits) this.net.watchWriting(fd);
  }

  private sendHello(): void {
    const hello = this.exchange?.hello ?? new Uint8Array();
    const n = send(this.fd, hello);
    this.helloWaits = n === -ERRNO.EAGAIN;
    if (n !== hello.length && !this.helloWaits) this.onFailure(ended(n, "at the hello"));
  }

  onReady(mask: number): void {
    if (this.helloWaits && (mask & EPOLL.OUT) !== 0) this.sendHello();
    if ((mask & ~EPOLL.OUT) !== 0) this.read();
  }

  private read(): void {
    const n = receive(this.fd);
    if (n === -ERRNO.EAGAIN) return;
    if (n <= 0) return this.onFailure(ended(n, `after ${this.got} of ${ANSWER_BYTES} bytes`));
    if (this.got + n > ANSWER_BYTES) return this.onFailure(new Error(`${this.got + n} bytes answered`));
    this.answer.set(readBuffer.subarray(0, n), this.got);
    this.got += n;
    if (this.got < ANSWER_BYTES) return this.read();
    const { answer } = this;
    if (this.exchange?.answers.some((wanted) => answer.equals(wanted)) === true) return this.onAnswer();
    return this.onFailure(new Error(`${this.exchange?.name} was answered by ${answer.toString("latin1", 0, 40)}`));
  }
}

interface Run {
  readonly to: At;
  readonly exchanges: readonly Exchange[];
  readonly samples: Samples;
  begun: number;
  open: number;
  most: number;
  endsAt: number;
}

class ShortConnection extends Greeting {
  private readonly run: Run;
  private begunAt = 0;

  constructor(net: Net, run: Run) {
    super(net);
    this.run = run;
  }

  begin(): void {
    const { run } = this;
    const exchange = run.exchanges[run.begun % run.exchanges.length];
    if (exchange === undefined) throw new Error("no target");
    run.begun++;
    run.open++;
    this.begunAt = performance.now();
    this.greet(connectNext(run.to), exchange);
  }

  protected override onAnswer(): void {
    const { run } = this;
    const now = performance.now();
    run.samples.add(now - this.begunAt);
    this.net.close(this.fd);
    run.open--;
    if (now < run.endsAt && run.begun < run.most) this.begin();
  }

  protected override onFailure(error: Error): void {
    throw error;
  }
}

/** @throws Error at the first wrong, missing or unexpected byte. */
export function runShort(net: Net, order: Order, { seconds, most }: Span): Outcome {
  const begunAt = performance.now();
  const run: Run = {
    to: order.to,
    exchanges: order.targets.map(exchangeOf),
    samples: new Samples(),
    begun: 0,
    open: 0,
    most,
    endsAt: begunAt + seconds * 1000,
  };
  for (let i = 0; i < Math.min(order.connections, most); i++) new ShortConnection(net, run).begin();
  runUntil(
    net,
    () => run.open === 0,
    () => run.samples.count,
  );
  return { units: run.samples.count, seconds: (performance.now() - begunAt) / 1000, ...run.samples.quantiles() };
}

class FirstConnection extends Greeting {
  state: "waiting" | "failed" | "answered" = "waiting";

  constructor(net: Net, fd: number, exchange: Exchange) {
    super(net);
    this.greet(fd, exchange);
  }

  protected override onAnswer(): void {
    this.net.close(this.fd);
    this.state = "answered";
  }

  protected override onFailure(): void {
    if (this.state === "waiting") this.net.close(this.fd);
    this.state = "failed";
  }
}

/** Try every millisecond until the first right answer. @returns When it came, in ms since 1970. @throws Error after `limitMs` */
export function runFirst(net: Net, { to, targets }: Order, limitMs: number): number {
  const exchange = targets.map(exchangeOf)[0];
  if (exchange === undefined) throw new Error("no target");
  const endsAt = performance.now() + limitMs;
  let attempt: FirstConnection | null = null;
  while (attempt?.state !== "answered") {
    if (attempt === null || attempt.state === "failed") {
      const fd = connectFrom("127.1.0.1", to);
      if (fd !== -ERRNO.ECONNREFUSED) attempt = new FirstConnection(net, check("connect", fd), exchange);
    }
    net.turn(1);
    if (performance.now() > endsAt) throw new Error(`no answer within ${limitMs} ms of the start`);
  }
  return performance.timeOrigin + performance.now();
}
