/** The bundle of the same program under other runtimes: every cluster through every listener. */
import { describe, expect, test } from "bun:test";
import { command } from "../../scripts/lab/command.ts";
import { type Program } from "../../scripts/lab/edge-lb.ts";
import { CLUSTERS, LISTENERS, startLab } from "../../scripts/lab/lab.ts";

const HOSTS: readonly (readonly [Program, string])[] = [
  ["node", "127.24.0"],
  ["deno", "127.24.1"],
];

describe.each(HOSTS)("dist/edge-lb.mjs under %s", (program, block) => {
  test("serves nine of nine, tells an unknown name, drains", async () => {
    const lab = await startLab({ block, program, args: ["--engine", "node"] });
    try {
      expect(lab.edge.ready["engine"]).toBe("node");
      for (const cluster of CLUSTERS) {
        for (const listener of LISTENERS) {
          const { out, err } = await lab.curl(cluster, listener, listener === "api" ? "/version" : "/");
          expect(err).toBe("");
          expect(JSON.parse(out)).toMatchObject({ cluster });
        }
      }
      const edgeLb = ["--connect-to", `::127.0.0.1:${lab.ports.https}`];
      const stranger = await command(["curl", "--silent", "--show-error", edgeLb, "https://nobody.example/"]);
      expect(stranger.err).toContain("unrecognized name");
      lab.edge.signal("SIGTERM");
      expect(await lab.edge.exit()).toBe(0);
    } finally {
      await lab.stop();
    }
  }, 60_000);
});
