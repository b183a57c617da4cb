import { describe, expect, test } from "bun:test";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import { SourcePortWatch } from "../../../src/control/serve/source-port-watch.ts";
import { boardWriter, openBoard } from "../../../src/seam/board.ts";

const CELL = 7;
const COUNT = 100;

/** A machine of a hundred source ports and a node. */
function start(reuse = 0, ip = "192.168.125.20") {
  const board = openBoard(1);
  const writer = boardWriter(board, 0);
  const lines: string[] = [];
  const say = (_: string, message: string): void => void lines.push(message);
  const log: EventLog = { info: say, warn: say, error: say };
  const machine = { waiting: 0, now: 0, asked: 0, askingMs: 0 };
  const watch = new SourcePortWatch({
    log,
    board,
    snapshot: () => ({ clusters: [{ pools: [null, { endpoints: [{ cell: CELL, at: { ip, port: 6443 } }] }] }] }),
    now: () => machine.now,
    read(path) {
      if (path.endsWith("port_range")) return `1001 ${1_000 + COUNT}\n`;
      if (path.endsWith("tcp_tw_reuse")) return `${reuse}\n`;
      if (path.endsWith("tcp6")) return "";
      machine.asked++;
      machine.now += machine.askingMs;
      return `head\n${"0: 017DA8C0:C350 147DA8C0:192B 06 0\n".repeat(machine.waiting)}`;
    },
  });
  /** So many short connections, which all wait; then a look. */
  const serve = (connections: number): void => {
    writer.addCount("accepted", connections);
    writer.addTotal(CELL, "connections", connections);
    machine.waiting += connections;
    watch.look();
  };
  return { watch, machine, lines, serve };
}

describe("SourcePortWatch", () => {
  test("tells which node's ports run short before they have run out, once a minute", () => {
    const { watch, machine, lines, serve } = start();
    serve(70);
    expect(lines).toEqual([]);
    serve(20);
    const told = "source ports run short: 90 of 100 towards 192.168.125.20:6443 are in use";
    expect(lines).toEqual([`${told}; sysctl -w net.ipv4.tcp_tw_reuse=1 helps`]);
    machine.now += 59_000;
    watch.look();
    expect(lines).toHaveLength(1);
    machine.now += 1_000;
    watch.look();
    expect(lines).toHaveLength(2);
  });

  test("asks the kernel only where connections of the last minute could be too many", () => {
    const { watch, machine, serve } = start();
    for (let second = 0; second < 120; second += 2) serve(2);
    expect(machine.asked).toBe(0);
    serve(40);
    expect(machine.asked).toBe(1);
    for (let look = 0; look < 120; look++) watch.look();
    const asked = machine.asked;
    watch.look();
    expect(machine.asked).toBe(asked);
  });

  test("asks it for a hundredth of the time at most, and not to say nothing", () => {
    const { machine, lines, serve } = start();
    machine.askingMs = 100;
    serve(90);
    machine.waiting = 0; // they were between others
    expect([lines.length, machine.asked]).toEqual([1, 1]);
    machine.now += 59_000;
    serve(90);
    expect(machine.asked).toBe(1);
    machine.waiting = 0;
    for (let second = 0; second < 60; second += 2) {
      machine.now += 2_000;
      serve(10);
      machine.waiting = 0;
    }
    expect(machine.asked).toBe(7); // each 10 s
    expect(lines).toHaveLength(1);
  });

  test.each([
    { reuse: 1, ip: "192.168.125.20", asked: 0 },
    { reuse: 2, ip: "192.168.125.20", asked: 1 },
    { reuse: 2, ip: "127.0.0.2", asked: 0 },
    { reuse: 2, ip: "::1", asked: 0 },
    { reuse: 0, ip: "127.0.0.2", asked: 1 },
  ])("need not ask for ports that may be used again: tcp_tw_reuse $reuse towards $ip", ({ reuse, ip, asked }) => {
    const { machine, serve } = start(reuse, ip);
    serve(100);
    expect(machine.asked).toBe(asked);
  });

  test("tells once a minute that none is left", () => {
    const { watch, machine, lines } = start();
    watch.met();
    watch.met();
    machine.now += 60_000;
    watch.met();
    const told = "no source port left towards a node: each one waits 60 s after a connection";
    expect(new Set(lines)).toEqual(new Set([`${told}; sysctl -w net.ipv4.tcp_tw_reuse=1 helps`]));
    expect(lines).toHaveLength(2);
  });
});
