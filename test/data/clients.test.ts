import { describe, expect, test } from "bun:test";
import { clientKey } from "../../src/core/balance/hash.ts";
import { clientSlot } from "../../src/core/client-slot.ts";
import { Clients } from "../../src/data/clients.ts";

const SEED = [0x1234_5678, 0x9abc_def0];

describe("Clients.of()", () => {
  test("computes once for an address that comes again", () => {
    const clients = new Clients(SEED);
    expect(clients.of("10.0.0.1")).toEqual({ key: clientKey("10.0.0.1"), slot: clientSlot("10.0.0.1", SEED) });
    expect(clients.of("10.0.0.1")).toBe(clients.of("10.0.0.1"));
  });

  test("keeps no more than some thousand, and says the same of those it forgot", () => {
    const clients = new Clients(SEED);
    const first = clients.of("10.0.0.1");
    for (let at = 0; at < 10_000; at++) clients.of(`10.1.${at >> 8}.${at & 255}`);
    expect(clients.of("10.0.0.1")).not.toBe(first);
    expect(clients.of("10.0.0.1")).toEqual(first);
  });
});
