/** Sends of a turn share a system call where io_uring works; everywhere else edge-lb does the same with plain calls, and says why. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { edgeLbArgv, runEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { CLUSTERS, LISTENERS, startLab } from "../../scripts/lab/lab.ts";

const LAUNCHER = fileURLToPath(new URL("../support/refused-calls.ts", import.meta.url));
const program = process.env["EDGE_LB_PROGRAM"] ?? "source";
const FORBIDDEN = "the system forbids io_uring (seccomp, or kernel.io_uring_disabled)";
const forbidden = [process.execPath, LAUNCHER, "io_uring=1", ...edgeLbArgv()];

const WAYS = [
  { name: "allowed", block: "127.97.0", args: [], argv: edgeLbArgv(), on: true, why: null },
  { name: "forbidden", block: "127.97.1", args: [], argv: forbidden, on: false, why: FORBIDDEN },
  { name: "off", block: "127.97.2", args: ["--ring", "off"], argv: edgeLbArgv(), on: false, why: "switched off" },
];

describe.skipIf(process.platform !== "linux" || (program !== "source" && program !== "binary"))("io_uring", () => {
  test.each(WAYS)("$name: every name is served, and ready line, log, status and check say which", async (way) => {
    const { block, args, argv, on, why } = way;
    const control = join("/tmp", `edge-lb-ring-${process.pid}-${way.name}.sock`);
    const lab = await startLab({ block, argv, args: [...args, "--control", control] });
    try {
      expect([lab.edge.ready["engine"], lab.edge.ready["ring"]]).toEqual(["linux", on ? "on" : "off"]);
      const asked = CLUSTERS.flatMap((cluster) => LISTENERS.map((listener) => ({ cluster, listener })));
      const answers = await Promise.all(asked.map(({ cluster, listener }) => lab.curl(cluster, listener, "/version")));
      expect(answers.map(({ out }) => JSON.parse(out).cluster)).toEqual(asked.map(({ cluster }) => cluster));
      const status = await runEdgeLb(["status", "--json", "--control", control]);
      expect(JSON.parse(status.out).ring).toEqual({ on, why });
      const told = (await runEdgeLb(["status", "--control", control])).out.split("\n")[0];
      if (why === null) expect(told).not.toContain("io_uring");
      else expect(told).toEndWith(`, no io_uring (${why})`);
      if (way.name === "forbidden") expect(lab.edge.logs()).toContain(`no io_uring: ${FORBIDDEN}; `);
    } finally {
      await lab.stop();
    }
  });

  test("check --live says so too", async () => {
    const listen = ["api", "https", "http"].flatMap((kind) => ["--listen", `${kind}=127.97.3.1:0`]);
    const cluster = ["--cluster", "hub=127.97.3.20,domain=hub.lab"];
    const checked = await runEdgeLb(["check", "--live", ...listen, ...cluster], { argv: forbidden });
    expect(checked.out).toContain(`engine: linux, without io_uring: ${FORBIDDEN}`);
  });
});
