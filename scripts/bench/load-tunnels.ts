/** Open tunnels: idle ones, 64-byte ping-pongs and streams from the node. */
import { discard, ERRNO, readBuffer, receive, send } from "./calls.ts";
import { connectNext, ended, type Order, type Outcome, runUntil, type Span } from "./load-common.ts";
import { type Exchange, exchangeOf, Greeting } from "./load-short.ts";
import type { Net, Watcher } from "./net.ts";
import { Samples } from "./samples.ts";
import { isPattern } from "./stream-bytes.ts";
import { FRAME_BYTES, ORDER, PING } from "./traffic.ts";

/** Tunnels that are opened at the same time. */
const OPENING = 64;
/** Reads of one stream in a row before the others get their turn. */
const ROUNDS = 8;
/** One read in so many is compared byte by byte, the rest is counted: comparing all would measure the load. */
const COMPARED = 8;

export interface Tunnel {
  readonly fd: number;
}

class Opening extends Greeting {
  private readonly opened: (fd: number) => void;

  constructor(net: Net, opened: (fd: number) => void) {
    super(net);
    this.opened = opened;
  }

  begin(fd: number, exchange: Exchange): void {
    this.greet(fd, exchange);
  }

  protected override onAnswer(): void {
    this.opened(this.fd);
  }

  protected override onFailure(error: Error): void {
    throw error;
  }
}

export function openTunnels(net: Net, order: Order): Tunnel[] {
  const exchanges = order.targets.map(exchangeOf);
  const tunnels: Tunnel[] = [];
  let begun = 0;
  const begin = (): void => {
    const exchange = exchanges[begun % exchanges.length];
    if (begun === order.connections || exchange === undefined) return;
    begun++;
    const opening = new Opening(net, (fd) => {
      tunnels.push({ fd });
      begin();
    });
    opening.begin(connectNext(order.to), exchange);
  };
  for (let i = 0; i < OPENING; i++) begin();
  runUntil(
    net,
    () => tunnels.length === order.connections,
    () => tunnels.length,
  );
  return tunnels;
}

export function closeTunnels(net: Net, tunnels: readonly Tunnel[]): void {
  for (const { fd } of tunnels) net.close(fd);
}

class Pinger implements Watcher {
  private readonly fd: number;
  private readonly samples: Samples;
  private readonly frame = Buffer.alloc(FRAME_BYTES, PING);
  private readonly endsAt: number;
  private readonly most: number;
  private sentAt = 0;
  waiting = false;

  constructor(fd: number, samples: Samples, endsAt: number, most: number) {
    this.fd = fd;
    this.samples = samples;
    this.endsAt = endsAt;
    this.most = most;
  }

  ping(): void {
    this.frame.writeUInt32LE(this.samples.count, FRAME_BYTES - 4);
    this.waiting = true;
    this.sentAt = performance.now();
    const n = send(this.fd, this.frame);
    if (n !== FRAME_BYTES) throw ended(n, "at a ping");
  }

  onReady(): void {
    const n = receive(this.fd);
    if (n === -ERRNO.EAGAIN) return;
    if (n !== FRAME_BYTES) throw n > 0 ? new Error(`a ping came back with ${n} bytes`) : ended(n, "during a ping");
    if (this.frame.compare(readBuffer, 0, n) !== 0) throw new Error("a ping came back with other bytes");
    const now = performance.now();
    this.samples.add(now - this.sentAt);
    this.waiting = false;
    if (now < this.endsAt && this.samples.count < this.most) this.ping();
  }
}

/** Every tunnel has one ping under way. */
export function runPings(net: Net, tunnels: readonly Tunnel[], { seconds, most }: Span): Outcome {
  const samples = new Samples();
  const begunAt = performance.now();
  const pingers = tunnels.map(({ fd }) => new Pinger(fd, samples, begunAt + seconds * 1000, most));
  for (const [i, { fd }] of tunnels.entries()) {
    const pinger = pingers[i];
    if (pinger === undefined) continue;
    net.give(fd, pinger);
    pinger.ping();
  }
  runUntil(
    net,
    () => !pingers.some(({ waiting }) => waiting),
    () => samples.count,
  );
  return { units: samples.count, seconds: (performance.now() - begunAt) / 1000, ...samples.quantiles() };
}

class Stream implements Watcher {
  got = 0;
  private reads = 0;
  private readonly net: Net;
  private readonly fd: number;
  private readonly bytes: number;

  constructor(net: Net, fd: number, bytes: number) {
    this.net = net;
    this.fd = fd;
    this.bytes = bytes;
  }

  order(): void {
    const frame = Buffer.alloc(FRAME_BYTES, " ");
    frame[0] = ORDER;
    frame.write(String(this.bytes), 1, "latin1");
    const n = send(this.fd, frame);
    if (n !== FRAME_BYTES) throw ended(n, "at an order");
  }

  onReady(): void {
    for (let round = 0; round < ROUNDS; round++) {
      const n = this.take();
      if (n === -ERRNO.EAGAIN) return;
      if (n <= 0) throw ended(n, `after ${this.got} of ${this.bytes} bytes`);
      this.got += n;
      if (this.got > this.bytes) throw new Error(`${this.got} bytes came of ${this.bytes}`);
    }
    this.net.again(this.fd);
  }

  private take(): number {
    if (this.reads++ % COMPARED !== 0) return discard(this.fd);
    const n = receive(this.fd);
    if (n > 0 && !isPattern(readBuffer.subarray(0, n), this.got)) throw new Error(`wrong bytes at ${this.got}`);
    return n;
  }
}

/** Each tunnel brings as many bytes; a unit is a GB. */
export function runStreams(net: Net, tunnels: readonly Tunnel[], bytesEach: number): Outcome {
  const begunAt = performance.now();
  const streams = tunnels.map(({ fd }) => new Stream(net, fd, bytesEach));
  for (const [i, { fd }] of tunnels.entries()) {
    const stream = streams[i];
    if (stream === undefined) continue;
    net.give(fd, stream);
    stream.order();
  }
  const total = (): number => streams.reduce((sum, { got }) => sum + got, 0);
  runUntil(net, () => total() === bytesEach * tunnels.length, total);
  return { units: total() / 1e9, seconds: (performance.now() - begunAt) / 1000, p50: 0, p99: 0 };
}
