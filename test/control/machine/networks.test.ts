import { describe, expect, test } from "bun:test";
import { Interfaces } from "../../../src/control/machine/networks.ts";

describe("Interfaces.now()", () => {
  test("tells what the system told last while that has no descriptor to tell", () => {
    const lo = { lo: [] };
    const answers = [lo, null, {}];
    const interfaces = new Interfaces(() => {
      const answer = answers.shift();
      if (answer === null || answer === undefined) throw new Error("getifaddrs returned an error");
      return answer;
    });
    expect([interfaces.now(), interfaces.now(), interfaces.now()]).toEqual([lo, lo, {}]);
  });

  test("fails where it never told", () => {
    const silent = new Interfaces(() => {
      throw new Error("getifaddrs returned an error");
    });
    expect(() => silent.now()).toThrow("getifaddrs");
  });
});
