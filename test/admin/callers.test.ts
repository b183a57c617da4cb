import { describe, expect, test } from "bun:test";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Callers } from "../../src/admin/callers.ts";
import { until } from "../../scripts/lab/small-lab.ts";

class FakeSocket extends EventEmitter {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }
}

const LIMITS = { connections: 3, listening: 1, idleMs: 60_000, answerMs: 60_000 };

function enter(callers: Callers): FakeSocket {
  const socket = new FakeSocket();
  callers.enter(socket as unknown as Socket);
  return socket;
}

/** @returns ends the answer */
function ask(callers: Callers, socket: FakeSocket, url: string): () => void {
  const response = new EventEmitter();
  callers.asked({ socket, url } as unknown as IncomingMessage, response as unknown as ServerResponse);
  return () => void response.emit("close");
}

describe("Callers", () => {
  test("let the one go that has been idle longest, then one that takes no answer, then a listener", () => {
    const callers = new Callers(LIMITS);
    const [listener, slow, idle] = [enter(callers), enter(callers), enter(callers)];
    ask(callers, listener, "/v1/events?after=3");
    ask(callers, slow, "/metrics");
    const gone = (): boolean[] => [listener, slow, idle].map(({ destroyed }) => destroyed);
    const newcomer = enter(callers);
    expect(gone()).toEqual([false, false, true]);
    ask(callers, newcomer, "/");
    const next = enter(callers);
    expect(gone()).toEqual([false, true, true]);
    ask(callers, next, "/");
    expect(newcomer.destroyed).toBe(false);
    callers.end();
    expect([listener, newcomer, next].every(({ destroyed }) => destroyed)).toBe(true);
  });

  test("let the oldest listener go for a new one", () => {
    const callers = new Callers(LIMITS);
    const [first, second] = [enter(callers), enter(callers)];
    ask(callers, first, "/v1/events");
    ask(callers, second, "/v1/events");
    expect([first.destroyed, second.destroyed]).toEqual([true, false]);
    callers.end();
  });

  test("count one as idle once all its answers are taken", () => {
    const callers = new Callers(LIMITS);
    const [first, second, third] = [enter(callers), enter(callers), enter(callers)];
    const ends = [ask(callers, first, "/"), ask(callers, first, "/")];
    for (const socket of [second, third]) ask(callers, socket, "/");
    for (const end of ends) end();
    enter(callers);
    expect([first, second, third].map(({ destroyed }) => destroyed)).toEqual([true, false, false]);
    callers.end();
  });

  test.each([
    ["sends no whole request", { ...LIMITS, idleMs: 100 }, false],
    ["takes no answer", { ...LIMITS, answerMs: 100 }, true],
  ])("let one go that %s for too long", async (_, limits, asks) => {
    const callers = new Callers(limits);
    const socket = enter(callers);
    if (asks) ask(callers, socket, "/");
    await until("it to go", () => socket.destroyed);
    callers.end();
  });
});
