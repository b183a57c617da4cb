import { describe, expect, test } from "bun:test";
import { checkSourcePorts } from "../../src/check-live/source-ports.ts";

const busy = (used: number) => ({ to: "192.168.125.20:6443", used });

describe("checkSourcePorts()", () => {
  test.each([
    {
      name: "plenty",
      ports: { count: 28_232, reused: false, busiest: busy(3) },
      grade: "ok",
      says: "470 short connections",
    },
    { name: "idle", ports: { count: 28_232, reused: false, busiest: null }, grade: "ok", says: "none in use" },
    {
      name: "reused",
      ports: { count: 28_232, reused: true, busiest: busy(3) },
      grade: "ok",
      says: "used again at once",
    },
    {
      name: "few left",
      ports: { count: 100, reused: false, busiest: busy(80) },
      grade: "warn",
      says: "at most 80 (to 192.168.125.20:6443) in use",
    },
  ])("$name", ({ ports, grade, says }) => {
    const [finding] = checkSourcePorts(ports);
    expect(finding?.grade as string).toBe(grade);
    expect(finding?.text).toContain(says);
    expect((finding?.remedy ?? []).some((line) => line.includes("tcp_tw_reuse=1"))).toBe(grade === "warn");
  });
});
