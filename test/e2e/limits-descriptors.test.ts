/** More clients than descriptors: those that fit are served, nobody hangs, and all is well again once the crowd has left. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { visit } from "../../scripts/lab/crowd.ts";
import { edgeLbArgv } from "../../scripts/lab/edge-lb.ts";
import { type HeldUpgrade, holdUpgrade } from "../support/held-upgrade.ts";
import { descriptorsOf } from "../../scripts/lab/processes.ts";
import { startSmallLab, until } from "../../scripts/lab/small-lab.ts";

const DESCRIPTORS = 200;
const CROWD = 200;
/** A tunnel takes two descriptors, some 25 are edge-lb's own, and the last 20 % are not for clients. */
const FIT = { linux: 50, bun: 30, node: 30 } as const;
const BLOCKS = { linux: "127.71.0", bun: "127.71.1", node: "127.71.2" } as const;
const WATCH_MS = 2_000;

/** CPU time so far, in seconds; the kernel counts in hundredths. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
}

describe.if(process.platform === "linux")("prlimit --nofile=200", () => {
  test.each(["linux", "bun", "node"] as const)(
    "and 200 clients on engine %s: the shortage is bounded, told and over with the crowd",
    async (engine) => {
      const argv = ["prlimit", `--nofile=${DESCRIPTORS}`, ...edgeLbArgv()];
      const args = ["--engine", engine, "--max-connections", "1000", "--workers", "2"];
      const lab = await startSmallLab({ block: BLOCKS[engine], argv, args });
      try {
        const door = lab.door("hub", "http");
        expect(await visit(door)).toMatchObject({ cluster: "hub", error: null });
        const before = descriptorsOf(lab.edge.pid);

        const crowd = Array.from({ length: CROWD }, () => holdUpgrade(door));
        const of = (state: ReturnType<HeldUpgrade["state"]>): HeldUpgrade[] =>
          crowd.filter((client) => client.state() === state);
        // on Bun the burst is over in less time than lies between two looks; what it cost is counted all the same
        if (engine !== "bun") await lab.edge.logged(/descriptors are short: \d+ of 200 in use; raise LimitNOFILE/);
        else await until("a shortage", async () => (await lab.control.status()).connections.shortages > 0);
        await until("those that fit are served", () => of("held").length >= FIT[engine]);

        const [startMs, startCpu] = [performance.now(), cpuSeconds(lab.edge.pid)];
        let rounds = 0;
        while (performance.now() - startMs < WATCH_MS) {
          const served = of("held");
          expect(await served[rounds % served.length]?.echo("x".repeat(65_536))).toBe(true);
          rounds += 1;
          await Bun.sleep(50);
        }
        const cpu = (cpuSeconds(lab.edge.pid) - startCpu) / ((performance.now() - startMs) / 1_000);
        // there, those who do not fit are reset before they say anything
        const answered = engine === "node" ? [] : of("refused");
        const { open, shortages } = (await lab.control.status()).connections; // more may come between the two looks
        expect(open).toBeGreaterThanOrEqual(of("held").length);
        expect(shortages).toBeGreaterThanOrEqual(answered.length);
        expect(cpu).toBeLessThan(0.5);
        for (const client of answered) expect(client.answer()).toStartWith("HTTP/1.1 503 ");

        await until("those who waited served or refused", () => {
          for (const client of of("held")) client.close(); // it makes room
          return of("waiting").length === 0;
        });
        for (const client of crowd) client.close();
        await until("no connection left", async () => (await lab.control.status()).connections.open === 0);
        const after = await Promise.all(Array.from({ length: 20 }, () => visit(door)));
        expect(after.filter(({ error }) => error !== null)).toEqual([]);
        expect(await visit(lab.door("hub", "https"))).toMatchObject({ cluster: "hub", error: null });
        await until("descriptors given back", () => descriptorsOf(lab.edge.pid) < before + 30);
        if (engine === "linux") await lab.edge.logged(/descriptors suffice again/);
      } finally {
        await lab.stop();
      }
    },
    60_000,
  );
});
