/** Logs that programs read, and sinks that fail: traffic goes on, what was lost is counted, and told once the sink is back. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { edgeLbArgv, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { holdUpgrade } from "../support/held-upgrade.ts";
import { type SmallLab, startSmallLab, until } from "../../scripts/lab/small-lab.ts";

/** On a busy machine; alone a test takes some 2 s. */
setDefaultTimeout(40_000);

/** Requests on kept connections, 8 at a time. @returns the answers that were not 200 */
async function requests(count: number, { ip, port, host }: Door, path = "/status/200"): Promise<readonly number[]> {
  const wrong: number[] = [];
  let left = count;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const response = await fetch(`http://${ip}:${port}${path}`, { headers: { host } });
      await response.arrayBuffer();
      if (response.status !== 200) wrong.push(response.status);
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return wrong;
}

async function lost(lab: SmallLab): Promise<number> {
  const { logLinesDropped, logLinesLost } = (await lab.control.status()).connections;
  return logLinesDropped + logLinesLost;
}

function linesOf(path: string): readonly string[] {
  return readFileSync(path, "utf8").split("\n").slice(0, -1);
}

describe("--log json", () => {
  test("writes lines that all parse, names nobody knows with the nearest one included", async () => {
    const lab = await startSmallLab({ block: "127.74.0", args: ["--log", "json"] });
    try {
      for (const listener of ["api", "https", "http"] as const) await visit(lab.door("hub", listener));
      const strange = '/%22\u0001\\"<b>';
      await visit({ ...lab.door("hub", "https"), host: "api.hbu.lab" });
      await visit({ ...lab.door("hub", "http"), host: `a.apps.hbu.lab` });
      expect(await requests(1, lab.door("hub", "http"), strange)).toEqual([]);
      await lab.edge.logged(/%22/);
      await lab.edge.logged(/nearest known: a\.apps\.hub\.lab|nearest known: \S*hub\.lab/);
      const read = (): readonly Record<string, unknown>[] =>
        lab.edge
          .logs()
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>);
      // two workers mail their lines each in its own time
      await until("all lines", () => read().filter(({ event }) => event === "access").length >= 6);
      const records = read();
      for (const { time, event } of records) expect([typeof time, typeof event]).toEqual(["string", "string"]);
      expect(records.filter(({ event }) => event === "access").length).toBe(6);
    } finally {
      await lab.stop();
    }
  });
});

describe("--log haproxy", () => {
  test("writes access lines in HAProxy's format behind a syslog header", async () => {
    const lab = await startSmallLab({ block: "127.74.6", args: ["--log", "haproxy"] });
    try {
      await visit(lab.door("hub", "api"));
      expect(await requests(1, lab.door("hub", "http"))).toEqual([]);
      await lab.edge.logged(/^\w{3} [ \d]\d [\d:]{8} \S+ edge-lb\[\d+\]: \S+:\d+ \[.+\] api .+ \d+\/\d+\/\d+ /m);
      await lab.edge.logged(/edge-lb\[\d+\]: \S+:\d+ \[.+\] http .+ 200 .+ "GET \/status\/200 HTTP\/1\.1"/);
    } finally {
      await lab.stop();
    }
  });
});

describe("--log-to FILE", () => {
  test("is opened anew on SIGHUP, and kill -9 leaves whole lines that the next run appends to", async () => {
    const lab = await startSmallLab({ block: "127.74.1" });
    const config = join(lab.folder, "edge-lb.yaml");
    const path = join(lab.folder, "access.log");
    writeFileSync(config, "domain: lab\n");
    const args = ["--config", config, "--log-to", path, "--log", "json"];
    const own = lab.args.map((arg) => (arg.endsWith(".sock") ? join(lab.folder, "second.sock") : arg));
    const http = own.find((arg) => arg.startsWith("http=127"));
    const door = lab.door("hub", "http");
    try {
      await lab.edge.stop(); // its ports and nodes serve another one
      expect(http).toContain(String(door.port));
      const edge = await startEdgeLb([...own, ...args]);
      await visit(door);
      await until("a line in the file", () => linesOf(path).some((line) => line.includes('"access"')));
      renameSync(path, `${path}.1`);
      edge.signal("SIGHUP");
      await until("the file is there again", () => existsSync(path));
      const before = linesOf(`${path}.1`).length;
      await visit(door);
      await until("a line in the new file", () => linesOf(path).some((line) => line.includes('"access"')));
      expect(linesOf(`${path}.1`).length).toBe(before);

      edge.signal("SIGKILL");
      await until(
        "it is gone",
        () =>
          !existsSync(`/proc/${edge.pid}`) ||
          spawnSync("ps", ["-o", "stat=", "-p", String(edge.pid)])
            .stdout.toString()
            .startsWith("Z"),
      );
      const again = await startEdgeLb([...own, ...args]); // the stale socket is no hindrance
      const count = linesOf(path).length;
      const tunnel = holdUpgrade(door);
      await until("a tunnel", () => tunnel.state() === "held");
      expect(await tunnel.echo("alive")).toBe(true);
      again.signal("SIGTERM");
      await until("it drains", () => linesOf(path).some((line) => line.includes("stopping: 1 tunnel open")));
      expect(await tunnel.echo("still alive")).toBe(true);
      tunnel.close();
      expect(await again.exit(5_000)).toBe(0);
      const lines = linesOf(path);
      expect(lines.length).toBeGreaterThan(count);
      for (const line of lines) JSON.parse(line);
      expect(readFileSync(path, "utf8")).toEndWith("\n");
    } finally {
      await lab.stop();
    }
  });
});

const root = process.platform === "linux" && process.getuid?.() === 0;
/** The program that follows runs where a file system of 16 KB is mounted on `folder`. */
const smallDisk = (folder: string): readonly string[] => [
  "unshare",
  "--mount",
  "sh",
  "-c",
  'mount -t tmpfs -o size=16k tmpfs "$0" && exec "$@"',
  folder,
  ...edgeLbArgv(),
];

describe.if(root)("a full disk", () => {
  test("costs lines, which are counted and told once there is room; no line is torn for its reader", async () => {
    const folder = "/mnt";
    const args = ["--log", "json", "--log-to", `${folder}/access.log`];
    const lab = await startSmallLab({ block: "127.74.2", argv: smallDisk(folder), args });
    const path = `/proc/${lab.edge.pid}/root${folder}/access.log`;
    const door = lab.door("hub", "http");
    try {
      expect(await requests(400, door)).toEqual([]);
      await until("lines are lost", async () => (await lost(lab)) > 200);
      expect((await visit(lab.door("hub", "https"))).error).toBe(null);
      truncateSync(path, 5_000); // in the middle of a line
      await until("told", async () => {
        expect(await requests(1, door)).toEqual([]);
        return readFileSync(path, "utf8").includes("log lines were lost: the sink did not take them");
      });
      const after = linesOf(path).slice(-2);
      for (const line of after) JSON.parse(line);
    } finally {
      await lab.stop();
    }
  });

  test("/dev/full: every request is served", async () => {
    const lab = await startSmallLab({ block: "127.74.3", args: ["--log-to", "/dev/full"] });
    try {
      expect(await requests(300, lab.door("hub", "http"))).toEqual([]);
      await until("all lines are lost", async () => (await lost(lab)) >= 300);
    } finally {
      await lab.stop();
    }
  });
});

describe("a syslog daemon that is dead", () => {
  test("behind UDP: every request is served", async () => {
    const args = ["--log-to", "syslog://127.0.0.1:9?facility=local2"];
    const lab = await startSmallLab({ block: "127.74.4", args });
    try {
      expect(await requests(300, lab.door("hub", "http"))).toEqual([]);
      expect((await lab.control.status()).connections.faults).toBe(0);
    } finally {
      await lab.stop();
    }
  });

  test("behind a unix socket: lines are counted, and told once it is back", async () => {
    const path = `/tmp/edge-lb-no-syslog-${process.pid}.sock`;
    const lab = await startSmallLab({ block: "127.74.5", args: ["--log-to", `unix:${path}`] });
    const door = lab.door("hub", "http");
    let server: Server | null = null;
    try {
      expect(await requests(300, door)).toEqual([]);
      await until("lines are lost", async () => (await lost(lab)) >= 300);
      let text = "";
      server = createServer((socket) => socket.on("data", (chunk) => (text += chunk.toString())));
      await new Promise<void>((resolve) => server?.listen(path, resolve));
      await until("told", async () => {
        expect(await requests(1, door)).toEqual([]);
        return /<28>.*\d+ log lines were lost/.test(text);
      });
    } finally {
      server?.close();
      await lab.stop();
    }
  });
});

/** "" when there is nothing to read. */
function readSome(fd: number, chunk: Buffer): string {
  try {
    return chunk.toString("latin1", 0, readSync(fd, chunk));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return "";
    throw error;
  }
}

describe.if(process.platform === "linux")("stderr that nobody reads", () => {
  test("holds nothing up: lines are counted, and those that waited come once somebody reads", async () => {
    const fifo = `/tmp/edge-lb-stderr-${process.pid}`;
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK); // both ends: neither waits for the other
    const argv = ["sh", "-c", 'exec "$@" 2>"$0"', fifo, ...edgeLbArgv()];
    const lab = await startSmallLab({ block: "127.74.6", argv });
    const door = lab.door("hub", "http");
    try {
      expect(await requests(5_000, door)).toEqual([]);
      await until("lines are lost", async () => (await lost(lab)) > 1_000);
      for (const listener of ["api", "https"] as const)
        expect((await visit(lab.door("hub", listener))).error).toBe(null);
      const chunk = Buffer.alloc(65_536);
      let text = "";
      await until("lines come again, newest last", async () => {
        text += readSome(reader, chunk);
        expect(await requests(1, door, "/read-last")).toEqual([]);
        return text.includes("/read-last");
      });
      expect(text.split("\n").length).toBeGreaterThan(400);
    } finally {
      closeSync(reader);
      spawnSync("rm", [fifo]);
      await lab.stop();
    }
  });
});
