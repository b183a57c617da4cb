import { describe, expect, test } from "bun:test";
import { checkSourcePorts, readSourcePorts } from "../../src/check-live/source-ports.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n";
const row = (remote: string, state: string): string => `   0: 0100007F:C350 ${remote} ${state} 00000000:00000000\n`;

const files: Readonly<Record<string, string>> = {
  "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
  "/proc/sys/net/ipv4/tcp_tw_reuse": "2\n",
  "/proc/net/tcp": HEAD + row("147DA8C0:192B", "01") + row("147DA8C0:192B", "06") + row("00000000:0000", "0A"),
  "/proc/net/tcp6": HEAD + row("157DA8C0:192B", "06"),
};

describe("readSourcePorts()", () => {
  test("counts what is in use towards each node, also what waits", () => {
    expect(readSourcePorts((path) => files[path] ?? "")).toEqual({ count: 28_232, reused: false, busiest: 2 });
  });

  test("knows nothing where the system does not tell", () => {
    expect(readSourcePorts(() => "")).toBeNull();
  });
});

describe("checkSourcePorts()", () => {
  test.each([
    { name: "plenty", ports: { count: 28_232, reused: false, busiest: 3 }, grade: "ok", says: "470 short connections" },
    { name: "reused", ports: { count: 28_232, reused: true, busiest: 3 }, grade: "ok", says: "used again at once" },
    { name: "few left", ports: { count: 100, reused: false, busiest: 80 }, grade: "warn", says: "at most 80 in use" },
  ])("$name", ({ ports, grade, says }) => {
    const [finding] = checkSourcePorts(ports);
    expect(finding?.grade as string).toBe(grade);
    expect(finding?.text).toContain(says);
    expect((finding?.remedy ?? []).some((line) => line.includes("tcp_tw_reuse=1"))).toBe(grade === "warn");
  });
});
