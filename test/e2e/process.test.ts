/** edge-lb as a process: what it says and with which code it ends. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgeLbArgv, runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { type Lab, LISTENERS, startLab } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { until } from "../../scripts/lab/small-lab.ts";

/** curl's exit code for a connection refused. */
const CANNOT_CONNECT = 7;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-process-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Flags of an instance whose one node does not exist, on ports of its own. */
async function smallest(): Promise<string[]> {
  const [api, https, http] = await freePorts(3);
  const listen = Object.entries({ api, https, http }).flatMap(([kind, port]) => [
    "--listen",
    `${kind}=127.0.0.1:${port}`,
  ]);
  return ["--cluster", "one=127.29.0.1", ...listen];
}

/** A WebSocket-like connection to hub through the HTTP listener, open until somebody closes it. */
async function openTunnel(lab: Lab): Promise<{ socket: net.Socket; echo(text: string): Promise<string> }> {
  const socket = net.connect({ port: lab.ports.http, host: "127.0.0.1" });
  const read = async (): Promise<string> => String((await once(socket, "data"))[0]);
  const host = lab.host("hub", "http");
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
  expect(await read()).toStartWith("HTTP/1.1 101 ");
  return {
    socket,
    echo: (text) => {
      socket.write(text);
      return read();
    },
  };
}

describe("SIGTERM, SIGINT and SIGQUIT (13 C7)", () => {
  test.each(["SIGTERM", "SIGINT", "SIGQUIT"] as const)("%s without connections: exit 0 at once", async (signal) => {
    const edge = await startEdgeLb(await smallest());
    edge.signal(signal);
    await edge.logged(/stopping: no tunnel is open/);
    expect(await edge.exit(5_000)).toBe(0);
  });

  test("refuse new connections, let a tunnel finish, then exit 0", async () => {
    const lab = await startLab({ block: "127.23.0" });
    try {
      const tunnel = await openTunnel(lab);
      lab.edge.signal("SIGTERM");
      await lab.edge.logged(/stopping: 1 tunnel open/);
      // whoever stood in the queue when the sockets went is reset; from then on the kernel refuses
      for (const listener of LISTENERS)
        await until("it refuses", async () => (await lab.curl("hub", listener, "/")).code === CANNOT_CONNECT);
      expect(await tunnel.echo("still here")).toBe("still here");
      tunnel.socket.end();
      expect(await lab.edge.exit(5_000)).toBe(0);
    } finally {
      await lab.stop();
    }
  });

  test("cut the tunnels that outlast --timeout drain, exit 0", async () => {
    const lab = await startLab({ block: "127.23.1", args: ["--timeout", "drain=500ms"] });
    try {
      const { socket } = await openTunnel(lab);
      const closed = Promise.withResolvers<void>();
      socket.on("error", () => undefined).once("close", () => closed.resolve());
      lab.edge.signal("SIGTERM");
      expect(await lab.edge.exit(5_000)).toBe(0);
      await closed.promise;
    } finally {
      await lab.stop();
    }
  });

  test("end at once when a second one comes", async () => {
    const lab = await startLab({ block: "127.23.2" });
    try {
      const { socket } = await openTunnel(lab);
      socket.on("error", () => undefined);
      lab.edge.signal("SIGINT");
      await lab.edge.logged(/stopping: 1 tunnel open.*Ctrl-C again/);
      lab.edge.signal("SIGINT");
      expect(await lab.edge.exit(2_000)).toBe(0);
    } finally {
      await lab.stop();
    }
  });
});

describe.skipIf(process.platform !== "linux" || process.env["EDGE_LB_PROGRAM"] !== "binary")("after the start", () => {
  test("pages of the executable that are not in use are given back", async () => {
    const edge = await startEdgeLb([...(await smallest()), "--workers", "1"]);
    const residentMb = (): number =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${edge.pid}/status`, "utf8"))?.[1]) / 1_024;
    let most = 0;
    await until("10 MB are given back", () => {
      most = Math.max(most, residentMb());
      return residentMb() < most - 10;
    });
    await edge.stop();
  });
});

describe("SIGHUP", () => {
  test("ends an instance without a file, exit 0", async () => {
    const edge = await startEdgeLb(await smallest());
    edge.signal("SIGHUP");
    expect(await edge.exit(5_000)).toBe(0);
  });
});

describe("SIGUSR1 (13 C7)", () => {
  test("opens the log anew, and serving goes on", async () => {
    const log = join(folder, "moved.log");
    const edge = await startEdgeLb([...(await smallest()), "--log-to", log]);
    renameSync(log, `${log}.1`);
    edge.signal("SIGUSR1");
    await until("the new file tells of it", () => existsSync(log) && /opened anew/.test(readFileSync(log, "utf8")));
    expect(readFileSync(`${log}.1`, "utf8")).not.toContain("opened anew");
    await edge.stop();
  });
});

describe("a wrong command line", () => {
  const one = ["--cluster", "one=127.29.0.1"];
  test.each([
    ["no cluster", [], /--cluster/],
    ["an unknown flag", [...one, "--colour", "red"], /--colour/],
    ["a stray argument", [...one, "b=2"], /b=2/],
    ["a flag without its value", ["--cluster"], /--cluster/],
    ["a range that runs backwards", ["--cluster", "one=127.29.0.20-10"], /20-10/],
    ["a byte above 255", ["--cluster", "one=127.29.0.300"], /300/],
    ["more than 1,024 nodes", ["--cluster", "one=10.0.0.0-10.0.8.0"], /1,?024/],
    ["a cluster twice", [...one, ...one], /one/],
    [
      "a name claimed twice",
      [...one, "--cluster", "two=127.29.0.2,names=a.lab", "--cluster", "three=127.29.0.3,names=a.lab"],
      /a\.lab/,
    ],
    ["an engine that does not exist", [...one, "--engine", "steam"], /steam/],
    ["a duration without a unit", [...one, "--timeout", "connect=3"], /connect/],
    ["a file that does not exist", ["--config", "/nowhere/edge.yaml"], /\/nowhere\/edge\.yaml/],
  ])("with %s: exit 2, one line that names it, no stack", async (_, args, wanted) => {
    const { code, out, err } = await runEdgeLb(args);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(wanted);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test("tells all mistakes at once, one per line", async () => {
    const { code, err } = await runEdgeLb(["--cluster", "one=127.29.0.300", "--engine", "steam", "--workers", "many"]);
    expect(code).toBe(2);
    expect(err.trim().split("\n")).toHaveLength(3);
  });
});

describe("a wrong file", () => {
  test.each([
    ["malformed", "clusters: {", ":1:"],
    ["of a wrong type", "clusters:\n  hub: { nodes: 127.29.0.1, rise: often }\n", ":2:"],
    ["with an unknown key", "domain: a.lab\ncolour: red\nclusters:\n  hub: { nodes: 127.29.0.1 }\n", ":2:1:"],
  ])("%s: exit 2, file:line:column", async (name, text, place) => {
    const file = join(folder, `${name.replaceAll(" ", "-")}.yaml`);
    writeFileSync(file, text);
    const { code, err } = await runEdgeLb(["check", "--config", file]);
    expect(code).toBe(2);
    expect(err).toContain(`${file}${place}`);
    expect(err).not.toMatch(/\n\s+at /);
  });
});

describe("a port that cannot be had", () => {
  test("because it is taken: exit 1, names address and process", async () => {
    const args = await smallest();
    const first = await startEdgeLb(args);
    try {
      const { code, err } = await runEdgeLb([...args, "--admin", "off", "--control", "off"]);
      expect(code).toBe(1);
      expect(err).toContain(first.ready["api"] ?? "?");
      expect(err).toContain(`pid ${first.pid}`);
      expect(err.trim().split("\n")).toHaveLength(1);
    } finally {
      await first.stop();
    }
  });

  test("for lack of rights: exit 1, says what to do", () => {
    const lowest = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
    expect(lowest).toBeGreaterThan(443); // else nothing here needs rights
    const args = [
      "--cluster",
      "one=127.29.0.1",
      "--listen",
      "api=off",
      "--listen",
      "http=off",
      "--listen",
      "https=127.0.0.1:443",
    ];
    const { code, err } = asNobody([...args, "--admin", "off", "--control", "off"]);
    expect(code).toBe(1);
    expect(err).toMatch(/127\.0\.0\.1:443: permission denied.*sudo.*setcap/);
  });

  test("because the address is not ours: exit 1", async () => {
    const [port] = await freePorts(1);
    const { code, err } = await runEdgeLb([
      "--cluster",
      "one=192.0.2.9",
      "--listen",
      `api=192.0.2.1:${port}`,
      "--listen",
      "https=off",
      "--listen",
      "http=off",
      "--control",
      "off",
    ]);
    expect(code).toBe(1);
    expect(err).toContain(`192.0.2.1:${port}`);
  });
});

/** Runs the program without root's rights, which Bun.spawn cannot; from a copy, since nobody may not read every checkout. */
function asNobody(args: readonly string[]): { code: number | null; err: string } {
  const [program = "", ...before] = edgeLbArgv();
  const copy = join(folder, "edge-lb");
  if (before.length === 0) copyFileSync(program, copy);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { status, stderr } = spawnSync(before.length === 0 ? copy : program, [...before, ...args], {
    ...nobody,
    timeout: 20_000,
    encoding: "utf8",
  });
  return { code: status, err: stderr };
}

describe("other commands", () => {
  test("version prints one line", async () => {
    expect(await runEdgeLb(["version"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^edge-lb \d+\.\d+\.\d+\n$/),
    });
  });

  test("--help shows every part of the command line", async () => {
    const { code, out } = await runEdgeLb(["--help"]);
    expect(code).toBe(0);
    for (const part of ["--cluster", "--listen", "--timeout", "explain", "Example:"]) expect(out).toContain(part);
  });

  test("explain says where a name goes, and the nearest name for one that goes nowhere", async () => {
    const cluster = ["--cluster", "hub=127.29.0.1,domain=hub.lab"];
    expect(await runEdgeLb(["explain", "console.apps.hub.lab", ...cluster])).toMatchObject({
      code: 0,
      out: expect.stringContaining("hub"),
    });
    const { code, out, err } = await runEdgeLb(["explain", "api.hbu.lab", ...cluster]);
    expect(code).toBe(1);
    expect(out + err).toContain("api.hub.lab");
  });
});

describe("the end of the process", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)("%s: nobody is let in once it has ended", async (signal) => {
    for (let round = 0; round < 3; round++) {
      const edge = await startEdgeLb([...(await smallest()), "--workers", "2"]);
      const [host = "", port = ""] = (edge.ready["https"] ?? "").split(":");
      edge.signal(signal);
      await edge.exit();
      const client = net.connect({ host, port: Number(port) });
      const [error] = await once(client, "error");
      expect(error).toMatchObject({ code: "ECONNREFUSED" });
    }
  });
});
