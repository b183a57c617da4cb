/** What commands print arrives whole, or their exit code says that it did not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { edgeLbArgv, startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

/** Enough for a status of more than the 64 KB that a pipe holds. */
const CLUSTERS = 60;

let folder: string;
let edge: EdgeLb;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-output-"));
  const [api, https, http] = await freePorts(3);
  const clusters = Array.from({ length: CLUSTERS }, (_, at) => `  c${at}: { nodes: 127.61.${at}.1-4 }`);
  const listen = `listen: { api: "127.0.0.1:${api}", https: "127.0.0.1:${https}", http: "127.0.0.1:${http}" }`;
  writeFileSync(join(folder, "app.yaml"), [listen, "interval: 60s", "clusters:", ...clusters, ""].join("\n"));
  edge = await startEdgeLb(["-c", join(folder, "app.yaml"), "--control", join(folder, "s")]);
});
afterAll(async () => {
  await edge.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a line of bash in the folder; `$E` stands for edge-lb. */
function bash(line: string): Promise<CommandResult> {
  return command(["bash", "-c", `cd '${folder}'\n${line}`], { env: { E: edgeLbArgv().join(" ") } });
}

const COMMANDS = [
  "status --control $PWD/s",
  "status --json --control $PWD/s",
  "export haproxy -c app.yaml",
  "export nginx -c app.yaml",
  "dns -c app.yaml",
  "check -c app.yaml",
  "explain api.c1.lab -c app.yaml",
  "help run",
  "version",
];

describe("output (13 B1)", () => {
  test("of export is whole for a slow reader", async () => {
    const { out } = await bash(`
      $E export haproxy -c app.yaml > whole; $E export haproxy -c app.yaml | (sleep .3; cat) > slow
      echo \${PIPESTATUS[0]}; cmp whole slow && echo the same`);
    expect(out).toBe("0\nthe same\n");
  });

  test("of a status that is larger than a pipe is whole for a slow reader", async () => {
    const { out } = await bash("$E status --json --control $PWD/s | (sleep .5; cat)");
    expect(out.length).toBeGreaterThan(65_536);
    expect((JSON.parse(out) as { clusters: unknown[] }).clusters.length).toBe(CLUSTERS);
  });

  test.each(COMMANDS)("of %s: a reader that went away is a quiet 141", async (line) => {
    const { out, err } = await bash(`
      rm -f gone; mkfifo gone; exec 3<>gone; exec 4>gone; exec 3<&-
      $E ${line} >&4; echo $?`);
    expect([out, err]).toEqual(["141\n", ""]);
  });

  test.each(COMMANDS)("of %s: a full disk is a 1 and a line", async (line) => {
    const { out, err } = await bash(`$E ${line} > /dev/full; echo $?`);
    expect(out).toBe("1\n");
    expect(err).toBe("edge-lb: Cannot write the output: no space left on the device, ENOSPC (OUTPUT_FAILED)\n");
  });

  test("status --watch ends with its reader", async () => {
    const { out, err } = await bash("$E status --watch --control $PWD/s | head -1 > /dev/null; echo ${PIPESTATUS[0]}");
    expect([out, err]).toEqual(["141\n", ""]);
  });
});

describe("a start whose output nobody takes (13 B1)", () => {
  async function start(): Promise<string> {
    const [port] = await freePorts(1);
    return `$E run --cluster one=127.61.99.1 --admin off --control off \
      --listen api=127.0.0.1:${port} --listen https=off --listen http=off`;
  }

  test("ends quietly when the reader is gone", async () => {
    const { out, err } = await bash(`
      rm -f gone; mkfifo gone; exec 3<>gone; exec 4>gone; exec 3<&-
      ${await start()} >&4; echo $?`);
    expect(out).toBe("141\n");
    expect(err).not.toMatch(/INTERNAL|\n\s+at /);
  });

  test("serves all the same when the disk is full, says so, and ends with 1", async () => {
    const { out, err } = await bash(`
      ${await start()} > /dev/full 2> log & pid=$!
      for _ in $(seq 300); do grep -q 'ready line' log && break; sleep .1; done
      kill -0 $pid && kill $pid; wait $pid; echo $?; cat log >&2`);
    expect(out).toBe("1\n");
    expect(err).toMatch(/serving, but stdout does not take the ready line: ENOSPC/);
  });
});
