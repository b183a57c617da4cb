/** `--log haproxy` as HAProxy's own reader sees it. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { visit } from "../../scripts/lab/crowd.ts";
import { startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { startSmallLab, until } from "../../scripts/lab/small-lab.ts";

const VISITS = 12;

describe("--log haproxy", () => {
  test("is counted by halog: requests, statuses, servers, connections", async () => {
    const lab = await startSmallLab({ block: "127.75.0" });
    const path = join(lab.folder, "haproxy.log");
    try {
      await lab.edge.stop(); // its ports and nodes serve another one
      const edge = await startEdgeLb([...lab.args, "--log", "haproxy", "--log-to", path]);
      for (let turn = 0; turn < VISITS; turn++) await visit(lab.door(turn % 2 === 0 ? "hub" : "other", "http"));
      await visit({ ...lab.door("hub", "http"), host: "nobody.example" });
      for (const listener of ["api", "https"] as const) await visit(lab.door("hub", listener));
      await until("all lines", () => readFileSync(path, "utf8").split("] ").length > VISITS + 3);
      await edge.stop();
      const log = readFileSync(path, "utf8");
      // as with HAProxy's own, halog's -st and -srv are for httplog alone
      const requests = log
        .split("\n")
        .filter((line) => line.includes("] http http"))
        .join("\n");
      const halog = async (...flags: readonly string[]): Promise<string> => {
        const { code, out } = await command(["halog", ...flags], { input: `${requests}\n` });
        expect(code).toBe(0);
        return out;
      };
      expect((await halog("-st")).split("\n").filter((line) => /^\d+ \d+$/.test(line))).toEqual(["200 12", "404 1"]);
      const servers = (await halog("-srv")).split("\n").filter((line) => line.startsWith("http_"));
      expect(servers.map((line) => line.split(" ")[0]?.split("/")[0])).toEqual(["http_hub", "http_other"]);
      expect(servers.every((line) => line.includes(" 6 "))).toBe(true);
      expect((await halog("-tc")).split("\n").length).toBeGreaterThan(1);
      expect(log).toMatch(
        / https https_hub\/127\.75\.0\.20:\d+ 0\/\d+\/\d+ \d+ -- \d+\/\d+\/\d+\/\d+\/0 0\/0 \{a\.apps\.hub\.lab\}/,
      );
      expect(log).toMatch(/ http http\/<NOSRV> 0\/-1\/-1\/-1\/\d+ 404 \d+ - - SC-- /);
    } finally {
      await lab.stop();
    }
  }, 30_000);
});
