import { describe, expect, test } from "bun:test";
import { RecentEvents, remembered } from "../../../src/control/log/recent-events.ts";
import type { EventLog } from "../../../src/control/log/event-log.ts";

describe("RecentEvents", () => {
  test("remembers the newest and counts on", () => {
    const events = new RecentEvents(() => 0, 2);
    for (const message of ["a", "b", "c"]) events.add("info", "health", message);
    expect(events.recent().map(({ id, message }) => [id, message])).toEqual([
      [2, "b"],
      [3, "c"],
    ]);
    expect(events.recent(2).map(({ id }) => id)).toEqual([3]);
    expect(events.recent()[0]?.time).toBe("1970-01-01T00:00:00.000Z");
  });

  test("tells who listens, until it does not any more", () => {
    const events = new RecentEvents();
    const heard: string[] = [];
    const end = events.subscribe(({ message }) => void heard.push(message));
    events.add("warn", "reload", "a");
    end();
    events.add("warn", "reload", "b");
    expect(heard).toEqual(["a"]);
  });
});

describe("remembered()", () => {
  test("logs as before and remembers", () => {
    const lines: string[] = [];
    const write = (event: string, message: string): void => void lines.push(`${event} ${message}`);
    const log: EventLog = { info: write, warn: write, error: write };
    const events = new RecentEvents();
    remembered(log, events).error("worker", "it ended", { worker: 1 });
    expect(lines).toEqual(["worker it ended"]);
    expect(events.recent()).toMatchObject([
      { level: "error", event: "worker", message: "it ended", fields: { worker: 1 } },
    ]);
  });
});
