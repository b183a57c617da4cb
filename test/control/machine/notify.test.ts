import { describe, expect, jest, test } from "bun:test";
import { createNotifier, type Send } from "../../../src/control/machine/notify.ts";

const opened = (messages: string[]) => (): Promise<Send> => Promise.resolve((message) => void messages.push(message));

describe("createNotifier()", () => {
  test("tells the service manager what happens", async () => {
    const messages: string[] = [];
    const notifier = await createNotifier({ NOTIFY_SOCKET: "/run/systemd/notify" }, opened(messages));
    notifier.ready("3 clusters");
    notifier.reloading();
    notifier.ready("4 clusters");
    notifier.stopping("2 tunnels open");
    notifier.end();
    expect(messages).toEqual([
      "READY=1\nSTATUS=3 clusters",
      expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/),
      "READY=1\nSTATUS=4 clusters",
      "STOPPING=1\nSTATUS=2 tunnels open",
    ]);
  });

  test("says when it began to reload on the clock that systemd reads (13 B5)", async () => {
    if (process.platform !== "linux") return;
    const messages: string[] = [];
    const notifier = await createNotifier({ NOTIFY_SOCKET: "/run/x" }, () =>
      Promise.resolve((message) => void messages.push(message)),
    );
    notifier.reloading();
    const said = Number(/MONOTONIC_USEC=(\d+)/.exec(messages[0] ?? "")?.[1]);
    const now =
      Number(
        await Bun.file("/proc/uptime")
          .text()
          .then((text) => text.split(" ")[0]),
      ) * 1_000_000;
    expect(Math.abs(now - said)).toBeLessThan(5_000_000);
  });

  test.each([
    ["without a manager", {}],
    ["for a socket of another kind", { NOTIFY_SOCKET: "vsock:2:1" }],
  ])("is silent %s", async (_, env) => {
    const messages: string[] = [];
    const notifier = await createNotifier(env, opened(messages));
    notifier.ready("x");
    expect(messages).toEqual([]);
  });

  test.each([
    ["at half the time that the manager waits", {}, 2],
    ["not when another process is meant", { WATCHDOG_PID: "1" }, 0],
  ])("shows that it lives, %s", async (_, more, want) => {
    jest.useFakeTimers();
    try {
      const messages: string[] = [];
      const env = { NOTIFY_SOCKET: "@edge", WATCHDOG_USEC: "2000000", ...more };
      const notifier = await createNotifier(env, opened(messages));
      notifier.ready("x");
      jest.advanceTimersByTime(2_100);
      notifier.end();
      jest.advanceTimersByTime(5_000);
      expect(messages.filter((message) => message === "WATCHDOG=1")).toHaveLength(want);
    } finally {
      jest.useRealTimers();
    }
  });
});
