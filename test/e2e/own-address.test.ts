/** Never to oneself: a connection to a node that is edge-lb itself would come back, and back, until none is left for anybody. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { controlAt } from "../../scripts/lab/control.ts";
import { runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { until } from "../../scripts/lab/small-lab.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-own-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("A1: a node that is edge-lb itself", () => {
  test("is refused by check and start with the flag's place", async () => {
    const flags = ["--cluster", "hub=127.0.0.1,api-port=7443", "--listen", "api=:7443"];
    for (const argv of [["check", ...flags], flags]) {
      const { code, err } = await runEdgeLb(argv);
      expect(code).toBe(2);
      expect(err).toContain("--cluster hub=127.0.0.1,api-port=7443: Cannot use node 127.0.0.1");
      expect(err).toContain("edge-lb itself listens there (127.0.0.1:7443 is api at :7443");
    }
  });

  for (const check of ["auto", "off"] as const) {
    test(`by a name that resolves so, check=${check}: foreign, never dialled nor probed`, async () => {
      const [https = 0] = await freePorts(1);
      const path = join(folder, `${check}.sock`);
      const listen = ["--listen", `https=:${https}`, "--listen", "api=off", "--listen", "http=off"];
      const cluster = `hub=localhost,https-port=${https},domain=hub.lab,check=${check}`;
      const args = [...listen, "--cluster", cluster, "--interval", "200ms", "--control", path];
      const edge = await startEdgeLb(args);
      try {
        const control = controlAt(path);
        const asking = ["openssl", "s_client", "-connect", `127.0.0.1:${https}`, "-servername", "a.apps.hub.lab"];
        const { out, err } = await command(asking);
        expect(out + err).toContain("alert internal error");
        await until("three intervals", async () => (await control.status()).uptimeSeconds >= 2);
        const status = await control.status();
        const pool = status.clusters[0]?.pools.find(({ kind }) => kind === "https");
        expect(pool?.endpoints.map(({ state, reason }) => [state, reason])).toEqual(
          (pool?.endpoints ?? []).map(() => ["foreign", "edge-lb itself listens there"]),
        );
        expect(status.clusters[0]?.warnings.join()).toContain("edge-lb itself listens there");
        expect(status.connections.accepted).toBe(1);
        await edge.logged(/warn: hub: https foreign on localhost \(127\.0\.0\.1\).*: edge-lb itself listens there/);
        const added = await runEdgeLb(["add", "--control", path, `self=127.0.0.2,https-port=${https}`]);
        expect(added.code).toBe(2);
        expect(added.err).toContain("edge-lb itself listens there");
      } finally {
        await edge.stop();
      }
    }, 30_000);
  }
});
