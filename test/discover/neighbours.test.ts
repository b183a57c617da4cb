import { describe, expect, test } from "bun:test";
import { Neighbours } from "../../src/discover/neighbours.ts";

const HEAD = "IP address       HW type     Flags       HW address            Mask     Device\n";
const row = (ip: string, flags: string, device = "virbr0"): string =>
  `${ip.padEnd(16)} 0x1         ${flags}         52:54:00:00:00:01     *        ${device}\n`;

function open(first: string) {
  let [text, nowMs] = [first, 0];
  const neighbours = new Neighbours({ read: () => text, nowMs: () => nowMs });
  const becomes = (rows: string): void => {
    text = HEAD + rows;
    nowMs += 1_000;
  };
  return { neighbours, becomes };
}

describe("Neighbours", () => {
  test("tells who has come since it was asked last, and nobody at first", () => {
    const { neighbours, becomes } = open(HEAD + row("10.0.0.1", "0x2"));
    expect(neighbours.arrived()).toEqual([]);
    becomes(row("10.0.0.1", "0x2") + row("10.0.0.2", "0x0"));
    expect(neighbours.arrived()).toEqual([]);
    becomes(row("10.0.0.1", "0x2") + row("10.0.0.2", "0x2") + row("10.0.0.3", "0x6"));
    expect(neighbours.arrived()).toEqual(["10.0.0.2", "10.0.0.3"]);
    becomes(row("10.0.0.2", "0x2"));
    expect(neighbours.arrived()).toEqual([]);
    becomes(row("10.0.0.1", "0x2") + row("10.0.0.2", "0x2"));
    expect(neighbours.arrived()).toEqual(["10.0.0.1"]);
  });

  test.each([
    ["answered", row("10.0.0.1", "0x2"), true, false],
    ["was asked and did not answer", row("10.0.0.1", "0x0"), false, true],
    ["answers on one of two interfaces", row("10.0.0.1", "0x2", "a") + row("10.0.0.1", "0x0", "b"), true, false],
    ["answers on the other of two interfaces", row("10.0.0.1", "0x0", "a") + row("10.0.0.1", "0x2", "b"), true, false],
    ["is behind a router", row("10.0.0.9", "0x2"), false, false],
  ])("knows of an address that %s", (_, rows, isHere, isAbsent) => {
    const { neighbours } = open(HEAD + rows);
    expect([neighbours.isHere("10.0.0.1"), neighbours.isAbsent("10.0.0.1")]).toEqual([isHere, isAbsent]);
  });

  test.each(["", "\n", "rubbish", `${HEAD}\n\n`])("knows nobody where there is no table: %j", (text) => {
    const { neighbours } = open(text);
    expect([neighbours.arrived(), neighbours.isHere("10.0.0.1"), neighbours.isAbsent("10.0.0.1")]).toEqual([
      [],
      false,
      false,
    ]);
  });
});
