/** Mail from control: taken from the port without a JavaScript event loop, when an eventfd says so. */
import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "../../seam/mail.ts";
import { EPOLL } from "../kernel/libc.ts";
import type { Loop } from "./loop.ts";
import { readEventfd } from "../kernel/syscalls.ts";
import type { Task, Watcher } from "./watcher.ts";

export class Mailbox implements Watcher, Task {
  readonly fd: number;
  readonly generation: number;
  queued = false;
  private readonly loop: Loop;
  private readonly port: MessagePort;
  private handler: ((mail: ToWorker) => void) | null = null;

  /** @param eventfd Stays open: control made it. */
  constructor(loop: Loop, port: MessagePort, eventfd: number) {
    this.loop = loop;
    this.port = port;
    this.fd = eventfd;
    this.generation = loop.generation();
    loop.adopt(this, null);
    loop.poller.add(this.fd, this.generation, EPOLL.IN);
  }

  onMail(handler: (mail: ToWorker) => void): void {
    this.handler = handler;
    this.loop.soon(this);
  }

  post(mail: FromWorker): void {
    this.port.postMessage(mail);
  }

  onReady(): void {
    readEventfd(this.fd);
    this.run();
  }

  run(): void {
    const { handler } = this;
    if (handler === null) return;
    for (let got = receiveMessageOnPort(this.port); got !== undefined; got = receiveMessageOnPort(this.port)) {
      const mail = got.message as ToWorker; // control is the only sender
      try {
        handler(mail);
      } catch (error) {
        this.loop.fault(error);
      }
      if (isLarge(mail)) return this.loop.again(this); // let the tunnels have a turn
    }
  }

  /** Control closes the eventfd. */
  shutDown(): void {
    this.loop.release(this.fd, false);
  }
}

function isLarge({ kind }: ToWorker): boolean {
  return kind === "snapshot" || kind === "snapshot-part";
}
