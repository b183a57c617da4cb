import { describe, expect, test } from "bun:test";
import { readSourcePorts } from "../../../src/control/machine/source-ports.ts";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n";
const row = (remote: string, state: string, local = "017DA8C0:C350"): string =>
  `   0: ${local} ${remote} ${state} 00000000:00000000\n`;
const NODE = "147DA8C0:192B";
const LOCAL_NODE = "0200007F:192B";

function files(reuse: number, ...rows: readonly string[]): (path: string) => string {
  const texts: Readonly<Record<string, string>> = {
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "/proc/sys/net/ipv4/tcp_tw_reuse": `${reuse}\n`,
    "/proc/net/tcp": HEAD + rows.join(""),
    "/proc/net/tcp6": HEAD + row("0000000000000000FFFF0000157DA8C0:192B", "06"),
  };
  return (path) => texts[path] ?? "";
}

describe("readSourcePorts()", () => {
  test.each([
    { name: "what is open and what waits", reuse: 0, rows: [row(NODE, "01"), row(NODE, "06")], used: 2 },
    { name: "no listener", reuse: 0, rows: [row(NODE, "01"), row("00000000:0000", "0A")], used: 1 },
    { name: "what one address uses", reuse: 0, rows: [row(NODE, "01"), row(NODE, "01", "027DA8C0:C350")], used: 1 },
    { name: "nothing that may be used again", reuse: 1, rows: [row(NODE, "01"), row(NODE, "06")], used: 1 },
    { name: "what waits beyond loopback", reuse: 2, rows: [row(NODE, "01"), row(NODE, "06")], used: 2 },
  ])("counts $name", ({ reuse, rows, used }) => {
    const busiest = { to: "192.168.125.20:6443", used };
    expect(readSourcePorts(files(reuse, ...rows))).toEqual({ count: 28_232, reused: reuse === 1, busiest });
  });

  test("counts nothing on loopback that the kernel uses again there", () => {
    const rows = [row(LOCAL_NODE, "01"), row(LOCAL_NODE, "06")];
    expect(readSourcePorts(files(2, ...rows))?.busiest?.used).toBe(1);
  });

  test("knows nothing where the system does not tell", () => {
    expect(readSourcePorts(() => "")).toBeNull();
  });
});
