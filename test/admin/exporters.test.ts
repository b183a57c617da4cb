/** What reads HAProxy's statistics reads edge-lb's: the CSV beside a live HAProxy's, Debian's exporter, hatop. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { csvText } from "../../src/admin/csv.ts";
import { command } from "../../scripts/lab/command.ts";
import { program } from "../../scripts/lab/programs.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { sampleStatus } from "./status-sample.ts";

const CSV = csvText(sampleStatus());
let folder: string;
const children: Bun.Subprocess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-exporters-"));
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map(({ exited }) => exited));
  rmSync(folder, { recursive: true, force: true });
});

function start([name, ...args]: readonly [string, ...string[]]): void {
  children.push(Bun.spawn([program(name), ...args], { stdio: ["ignore", "ignore", "ignore"] }));
}

/** The page, as soon as somebody serves it. */
async function fetched(url: string): Promise<string> {
  const endMs = performance.now() + 15_000;
  for (;;) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok === true) return answer.text();
    if (performance.now() > endMs) throw new Error(`Cannot fetch ${url}: ${answer?.status ?? "no answer"}`);
    await Bun.sleep(50);
  }
}

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

function table(csv: string): Table {
  const [header = "", ...lines] = csv.trimEnd().split("\n");
  const columns = header.replace(/^# /, "").split(",");
  const rows = lines.map((line) => {
    const cells = line.split(",");
    expect(cells.length).toBe(columns.length);
    return Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ""]));
  });
  return { columns, rows };
}

/** HAProxy with one frontend, one server that is up and one that is down. */
async function haproxyTable(): Promise<Table> {
  const [port = 0, front = 0, closed = 0] = await freePorts(3);
  const config = join(folder, "haproxy.cfg");
  writeFileSync(
    config,
    `defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
listen stats
  mode http
  bind 127.0.0.1:${port}
  stats enable
  stats uri /
frontend api
  bind 127.0.0.1:${front}
  default_backend api_hub
backend api_hub
  balance leastconn
  server up 127.0.0.1:${port} check inter 100ms
  server down 127.0.0.1:${closed} check inter 100ms fall 1
`,
  );
  start(["haproxy", "-db", "-f", config]);
  for (;;) {
    const found = table(await fetched(`http://127.0.0.1:${port}/;csv`));
    if (found.rows.some(({ svname, status }) => svname === "down" && status === "DOWN")) return found;
    await Bun.sleep(50);
  }
}

describe("the CSV beside a live HAProxy's", () => {
  test("has its columns, and rows of its shape", async () => {
    const [theirs, ours] = [await haproxyTable(), table(CSV)];
    // later versions put columns of their own between those of 2.6
    expect(theirs.columns.filter((column) => ours.columns.includes(column))).toEqual([...ours.columns]);
    const core = ours.columns.indexOf("agg_check_status");
    expect(ours.columns.slice(0, core)).toEqual(theirs.columns.slice(0, core));
    const pairs = [
      ["FRONTEND", "FRONTEND", "api"],
      ["BACKEND", "BACKEND", "api_hub"],
      ["up", "192.168.125.20", "api_hub"],
      ["down", "worker-1.lab", "api_hub"],
    ] as const;
    for (const [theirName, ourName, proxy] of pairs) {
      const their = theirs.rows.find(({ pxname, svname }) => pxname === proxy && svname === theirName) ?? {};
      const our = ours.rows.find(({ pxname, svname }) => pxname === proxy && svname === ourName) ?? {};
      expect(our).toMatchObject({
        type: their["type"] ?? "",
        status: their["status"] ?? "",
        mode: their["mode"] ?? "",
      });
      for (const [column, value] of Object.entries(our)) {
        if (value === "" || !/^\d+$/.test(their[column] ?? "")) continue;
        expect(value, `${ourName} ${column}`).toMatch(/^\d+$/);
      }
      for (const column of ["pxname", "svname", "scur", "stot", "bin", "bout", "status", "pid", "iid", "sid", "type"]) {
        expect([ourName, column, our[column] === ""]).toEqual([ourName, column, false]);
        expect([theirName, column, their[column] === ""]).toEqual([theirName, column, false]);
      }
    }
  });
});

describe("prometheus-haproxy-exporter", () => {
  test("turns the CSV into its metrics", async () => {
    const server = http.createServer((_, response) => response.end(CSV)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    try {
      const at = server.address() as net.AddressInfo;
      const [port = 0] = await freePorts(1);
      const from = `--haproxy.scrape-uri=http://127.0.0.1:${at.port}/;csv`;
      start(["prometheus-haproxy-exporter", from, `--web.listen-address=127.0.0.1:${port}`]);
      const lines = (await fetched(`http://127.0.0.1:${port}/metrics`)).split("\n");
      for (const line of [
        "haproxy_up 1",
        "haproxy_exporter_csv_parse_failures_total 0",
        'haproxy_frontend_current_sessions{frontend="api"} 1',
        'haproxy_frontend_limit_sessions{frontend="api"} 4950',
        'haproxy_backend_up{backend="api_hub"} 1',
        'haproxy_server_up{backend="api_hub",server="192.168.125.20"} 1',
        'haproxy_server_up{backend="api_hub",server="worker-1.lab"} 0',
        'haproxy_server_bytes_out_total{backend="api_hub",server="192.168.125.20"} 20000',
      ]) {
        expect(lines).toContain(line);
      }
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});

/** hatop speaks to HAProxy's own socket; behind one that answers with edge-lb's CSV it shows edge-lb. */
const SHOW_INFO = `Name: HAProxy
Version: 2.6.12
Release_date: 2023/03/28
Nbproc: 1
Process_num: 1
Pid: 4711
Uptime: 0d 1h00m00s
Maxsock: 20000
Maxconn: 4950
Maxpipes: 0
CurrConns: 1
PipesUsed: 0
PipesFree: 0
Tasks: 1
Run_queue: 1
node: lab
description:
`;

describe("hatop", () => {
  test("shows the CSV's rows", async () => {
    const path = join(folder, "haproxy.sock");
    const server = net.createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Uint8Array) => {
        for (const asked of new TextDecoder().decode(chunk).split(/[;\n]/)) {
          const word = asked.trim();
          if (word === "prompt") socket.write("\n> ");
          else if (word === "show info") socket.write(`${SHOW_INFO}\n> `);
          else if (word.startsWith("show stat")) socket.write(`${CSV}\n> `);
          else if (word !== "") socket.write("\n> ");
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const tmux = (...args: readonly string[]) =>
      command(["tmux", "-S", join(folder, "tmux"), "-f", "/dev/null", ...args]);
    try {
      await tmux(
        "new-session",
        "-d",
        "-x",
        "120",
        "-y",
        "30",
        `${program("hatop")} -s ${path} 2>${join(folder, "hatop.err")}; sleep 60`,
      );
      const endMs = performance.now() + 15_000;
      let screen = "";
      while (!/worker-1\.lab/.test(screen)) {
        if (performance.now() > endMs) throw new Error(`hatop shows no row:\n${screen}`);
        await Bun.sleep(100);
        screen = (await tmux("capture-pane", "-p")).out;
      }
      expect(screen).toMatch(/168\.125\.20 .*UP/);
      expect(screen).toMatch(/worker-1\.lab .*DOWN/);
    } finally {
      await tmux("kill-server");
      server.close();
    }
  });
});
