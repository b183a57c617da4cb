import { afterEach, describe, expect, test } from "bun:test";
import { AF, libc, SOL, TCP } from "../../../src/runtime/kernel/libc.ts";
import { optionLength, optionLengthAddress, words, wordsAddress } from "../../../src/runtime/kernel/memory.ts";
import { close, openSocket } from "../../../src/runtime/kernel/syscalls.ts";
import { Loop } from "../../../src/runtime/linux/loop.ts";
import { DialSocket } from "../../../src/runtime/linux/sockets.ts";

const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

function open(): DialSocket {
  const loop = new Loop(false, false);
  const fd = openSocket(AF.INET);
  cleanups.push(
    () => loop.close(),
    () => close(fd),
  );
  return new DialSocket(loop, fd, AF.INET);
}

/** Of a socket that connects: whether the handshake's last ACK waits for the first bytes. */
function waits({ fd }: DialSocket): boolean {
  optionLength[0] = 4;
  expect(libc.getsockopt(fd, SOL.TCP, TCP.DEFER_ACCEPT, wordsAddress, optionLengthAddress)).toBe(0);
  return words[0] !== 0;
}

describe("DialSocket.acksWithData()", () => {
  test("tells the kernel, and takes it back for a connection that begins without bytes", () => {
    const socket = open();
    for (const on of [false, true, true, false, true]) {
      socket.acksWithData(on);
      expect(waits(socket)).toBe(on);
    }
  });
});
