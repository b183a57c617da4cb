import { describe, expect, test } from "bun:test";
import type { EventLog } from "../../../src/control/log/event-log.ts";
import { Resolver, systemLookup, type Found } from "../../../src/control/serve/resolver.ts";
import { clusterConfig, configOf, handClock, nodes } from "../health/bench.ts";

const named = (...hosts: readonly string[]): { host: string; isName: boolean }[] =>
  hosts.map((host) => ({ host, isName: true }));
const config = configOf([clusterConfig("hub", { nodes: [...nodes("10.0.0.1"), ...named("worker-1.lab")] })]);
const worker = { host: "worker-1.lab", isName: true };

interface Answers {
  [host: string]: Found | Error;
}

function desk(answers: Answers) {
  const clock = handClock();
  const lines: string[] = [];
  let changes = 0;
  const asked: string[] = [];
  const say = (_event: string, message: string): void => void lines.push(message);
  const log: EventLog = { info: say, warn: say, error: say };
  const resolver = new Resolver({
    log,
    onChange: () => void (changes += 1),
    lookup: async (host) => {
      asked.push(host);
      const answer = answers[host] ?? new Error("unset");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    timer: clock.timer,
  });
  return { resolver, clock, lines, asked, changes: () => changes };
}
const at = (ttlMs: number | null, ...addresses: string[]): Found => ({ addresses, ttlMs });

describe("Resolver", () => {
  test("waits for the first answers, passes addresses through, unwraps mapped ones", async () => {
    const { resolver, changes } = desk({ "worker-1.lab": at(null, "::ffff:10.0.0.9", "10.0.0.9", "fd00:0::1") });
    await resolver.update(config);
    expect(resolver.addressesOf(worker)).toEqual(["10.0.0.9", "fd00::1"]);
    expect(resolver.addressesOf({ host: "10.0.0.1", isName: false })).toEqual(["10.0.0.1"]);
    expect(resolver.addressesOf({ host: "other.lab", isName: true })).toEqual([]);
    expect(changes()).toBe(0);
    resolver.stop();
  });

  test("asks again after 30 s, or after the TTL, and tells of a move", async () => {
    const answers: Answers = { "worker-1.lab": at(null, "10.0.0.9") };
    const { resolver, clock, changes, lines, asked } = desk(answers);
    await resolver.update(config);
    answers["worker-1.lab"] = at(8_000, "10.0.0.10");
    await clock.pass(29_000);
    expect(changes()).toBe(0);
    await clock.pass(1_001);
    expect(changes()).toBe(1);
    expect(resolver.addressesOf(worker)).toEqual(["10.0.0.10"]);
    expect(lines).toEqual(["worker-1.lab moved: 10.0.0.10 (was 10.0.0.9)"]);
    const before = asked.length;
    await clock.pass(16_100);
    expect(asked.length).toBe(before + 2);
    expect(changes()).toBe(1);
    resolver.stop();
  });

  test("keeps the last good answer when a name fails, says so once, and when it is back", async () => {
    const answers: Answers = { "worker-1.lab": at(null, "10.0.0.9") };
    const { resolver, clock, changes, lines } = desk(answers);
    await resolver.update(config);
    answers["worker-1.lab"] = Object.assign(new Error("no"), { code: "ENOTFOUND" });
    await clock.pass(120_000);
    expect(resolver.addressesOf(worker)).toEqual(["10.0.0.9"]);
    expect(lines).toEqual(["Cannot resolve worker-1.lab: no such name; keeping 10.0.0.9"]);
    expect(resolver.view()).toEqual([{ host: "worker-1.lab", addresses: ["10.0.0.9"], error: "no such name" }]);
    answers["worker-1.lab"] = at(null, "10.0.0.9");
    await clock.pass(30_000);
    expect(lines.at(-1)).toBe("worker-1.lab resolves again: 10.0.0.9");
    expect(changes()).toBe(0);
    resolver.stop();
  });

  for (const bad of ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "::ffff:0.0.0.0"]) {
    test(`A2: an answer ${bad} is held to what literals are: the last good one is kept, and it says so`, async () => {
      const answers: Answers = { "worker-1.lab": at(null, bad) };
      const { resolver, clock, lines } = desk(answers);
      const shown = bad.replace("::ffff:", "");
      await resolver.update(config);
      expect(resolver.addressesOf(worker)).toEqual([]);
      const why = `the answer ${shown} is no address of a machine`;
      expect(lines).toEqual([`Cannot resolve worker-1.lab: ${why}; it has no endpoint yet`]);
      answers["worker-1.lab"] = at(null, "10.0.0.9");
      await clock.pass(5_001);
      answers["worker-1.lab"] = at(null, bad);
      await clock.pass(60_001);
      expect(resolver.addressesOf(worker)).toEqual(["10.0.0.9"]);
      expect(lines.at(-1)).toBe(`Cannot resolve worker-1.lab: ${why}; keeping 10.0.0.9`);
      expect(resolver.view()).toEqual([{ host: "worker-1.lab", addresses: ["10.0.0.9"], error: why }]);
      resolver.stop();
    });
  }

  test("A2: of an answer that is partly bad the good part counts, and it says so once", async () => {
    const { resolver, clock, lines } = desk({ "worker-1.lab": at(null, "0.0.0.0", "10.0.0.9") });
    await resolver.update(config);
    await clock.pass(60_001);
    expect(resolver.addressesOf(worker)).toEqual(["10.0.0.9"]);
    expect(lines).toEqual(["worker-1.lab: the answer 0.0.0.0 is no address of a machine; using 10.0.0.9"]);
    resolver.stop();
  });

  test("an empty answer is a failure", async () => {
    const { resolver, lines } = desk({ "worker-1.lab": at(null) });
    await resolver.update(config);
    expect(lines).toEqual(["Cannot resolve worker-1.lab: no address; it has no endpoint yet"]);
    resolver.stop();
  });

  test("a name server that does not answer holds the start up for 2 s at most; the answer comes late", async () => {
    const clock = handClock();
    let answer: (found: Found) => void = () => undefined;
    let changes = 0;
    const lines: string[] = [];
    const say = (_event: string, message: string): void => void lines.push(message);
    const resolver = new Resolver({
      log: { info: say, warn: say, error: say },
      onChange: () => void (changes += 1),
      lookup: () => new Promise((resolve) => (answer = resolve)),
      timer: clock.timer,
    });
    let started = false;
    const start = resolver.update(config).then(() => (started = true));
    await clock.pass(1_900);
    expect(started).toBe(false);
    await clock.pass(200);
    await start;
    expect(resolver.addressesOf(worker)).toEqual([]);
    expect(lines).toEqual(["Cannot resolve worker-1.lab so far: no answer within 2 s; it has no endpoint yet"]);
    answer(at(null, "10.0.0.9"));
    await clock.pass(1);
    expect(changes).toBe(1);
    expect(resolver.addressesOf(worker)).toEqual(["10.0.0.9"]);
    resolver.stop();
  });

  test("update() forgets names that left and asks only for new ones", async () => {
    const { resolver, clock, asked } = desk({ "worker-1.lab": at(null, "10.0.0.9"), "two.lab": at(null, "10.0.0.8") });
    await resolver.update(config);
    await resolver.update(configOf([clusterConfig("hub", { nodes: named("two.lab") })]));
    expect(resolver.addressesOf(worker)).toEqual([]);
    asked.length = 0;
    await clock.pass(60_001);
    expect(asked).toEqual(["two.lab", "two.lab"]);
    resolver.stop();
    await clock.pass(120_000);
    expect(asked).toHaveLength(2);
  });
});

describe("systemLookup()", () => {
  test("knows localhost from the hosts file", async () => {
    const { addresses } = await systemLookup("localhost");
    expect(addresses.some((ip) => ip === "127.0.0.1" || ip === "::1")).toBe(true);
  });
});
