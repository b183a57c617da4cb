/** The way in and out of HAProxy, beside the real programs: what the import says is what HAProxy does, and exports serve alike. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";
import { exportHaproxy } from "../../src/migrate/export/haproxy.ts";
import { exportNginx } from "../../src/migrate/export/nginx.ts";
import type { Entry } from "../../src/migrate/routes/entry.ts";
import { evaluate } from "../../src/migrate/source/evaluator.ts";
import { namesToAsk } from "../../src/migrate/verify/names.ts";
import { differencesOf, FOLDER, importText, readFixture } from "../migrate/fixtures.ts";
import { CONFIGS, load } from "../migrate/export/configs.ts";
import { MATCHES } from "../migrate/source/matches.ts";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv, runEdgeLb, startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { CLUSTERS, LISTENERS, startLab, type Lab, type Listener } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";
import { program } from "../../scripts/lab/programs.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-migrate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Program {
  stop(): Promise<void>;
}

/** Starts a program in the foreground and waits until it listens everywhere. */
async function start([name, ...args]: readonly [string, ...string[]], ports: readonly number[]): Promise<Program> {
  const child = Bun.spawn([program(name), ...args], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const errors = new Response(child.stderr).text();
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 3_000);
    await child.exited;
    clearTimeout(late);
  };
  const deadline = performance.now() + 10_000;
  for (const port of ports) {
    while (!(await listens(port))) {
      if (performance.now() < deadline && child.exitCode === null) continue;
      await stop();
      throw new Error(`${name} does not listen on ${port}: ${await errors}`);
    }
  }
  return { stop };
}

function startHaproxy(name: string, text: string, ports: readonly number[]): Promise<Program> {
  const path = join(folder, name);
  writeFileSync(path, text);
  return start(["haproxy", "-db", "-f", path], ports);
}

function startNginx(name: string, text: string, ports: readonly number[]): Promise<Program> {
  const path = join(folder, name);
  writeFileSync(path, text);
  return start(["nginx", "-c", path, "-g", `daemon off; pid ${folder}/${name}.pid;`], ports);
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = net.connect(port, "127.0.0.1");
  socket.setTimeout(500, () => resolve(false));
  socket.once("connect", () => resolve(true));
  socket.once("error", () => setTimeout(resolve, 20, false));
  return promise.finally(() => socket.destroy());
}

/** Who answers a name: a cluster, `redirect`, or `refused`. */
function ask(listener: Listener, port: number, name: string | null): Promise<string> {
  return listener === "http" ? askHttp(port, name) : askTls(port, name);
}

const GIVE_UP_MS = 10_000;

/** The cluster whose authority signed the certificate that is shown. */
function askTls(port: number, name: string | null): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = tls.connect({
    host: "127.0.0.1",
    port,
    rejectUnauthorized: false,
    ...(name === null ? {} : { servername: name }),
  });
  socket.setTimeout(GIVE_UP_MS, () => resolve("no answer"));
  socket.once("secureConnect", () => resolve(String(socket.getPeerCertificate().issuer.CN).split(" ")[0] ?? ""));
  socket.once("error", () => resolve("refused"));
  socket.once("close", () => resolve("refused"));
  return promise.finally(() => socket.destroy());
}

function askHttp(port: number, name: string | null): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = net.connect(port, "127.0.0.1");
  let text = "";
  socket.setTimeout(GIVE_UP_MS, () => resolve("no answer"));
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.once("close", () => resolve(httpAnswer(text)));
  socket.once("error", () => resolve("refused"));
  socket.write(
    name === null ? "GET / HTTP/1.0\r\n\r\n" : `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
  );
  return promise.finally(() => socket.destroy());
}

function httpAnswer(text: string): string {
  if (/^HTTP\/1\.1 30[18] /.test(text)) return "redirect";
  return /"cluster":"(\w+)"/.exec(text)?.[1] ?? "refused";
}

/** Asks for all, a few at a time. */
async function each<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const out: Out[] = [];
  for (let at = 0; at < items.length; at += 8) out.push(...(await Promise.all(items.slice(at, at + 8).map(work))));
  return out;
}

describe("the article's configuration", () => {
  const BLOCK = "127.31.0";
  let text: string;
  let ports: Record<Listener, number>;
  let toys: ToyCluster[];
  let haproxy: Program;
  let edge: EdgeLb;

  beforeAll(async () => {
    const [api = 0, https = 0, http = 0, nodeApi = 0, nodeHttps = 0, nodeHttp = 0, ready = 0, stats = 0] =
      await freePorts(8);
    ports = { api, https, http };
    text = onLoopback({ api, https, http, stats }, { 6443: nodeApi, 443: nodeHttps, 80: nodeHttp });
    const toy = (name: string, domain: string, from: number, apps: readonly string[]): Promise<ToyCluster> =>
      startToyCluster({
        name,
        domain,
        ips: [0, 1, 2].map((step) => `${BLOCK}.${from + step}`),
        ingressIps: [3, 4, 5].map((step) => `${BLOCK}.${from + step}`),
        ports: { api: nodeApi, https: nodeHttps, http: nodeHttp, ready },
        ingressNames: apps,
      });
    toys = await Promise.all([
      toy("hub", "hub-cluster.linuxera.lab", 20, ["*.apps.hub-cluster.linuxera.lab", "*.apps.hub.linuxera.lab"]),
      toy("managed1", "managed1.linuxera.lab", 30, ["*.apps.managed1.linuxera.lab"]),
      toy("managed2", "managed2.linuxera.lab", 40, ["*.apps.managed2.linuxera.lab"]),
    ]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([edge?.stop(), haproxy?.stop(), ...(toys ?? []).map((toy) => toy.stop())]);
  });

  /** The article's text with addresses of this machine; `bind` lines get the ports of this run. */
  function onLoopback(listen: Record<string, number>, nodes: Record<number, number>): string {
    const binds: Record<string, number | undefined> = {
      ":6443": listen["api"],
      ":443": listen["https"],
      ":80": listen["http"],
      ":50000": listen["stats"],
    };
    return readFixture("article.cfg")
      .replaceAll(/bind (:\d+)/g, (_, at: string) => `bind 127.0.0.1:${binds[at]}`)
      .replaceAll(
        /192\.168\.125\.(\d+):(\d+)/g,
        (_, last: string, port: string) => `${BLOCK}.${last}:${nodes[Number(port)]}`,
      );
  }

  test("is imported from standard input, and what is written starts and serves the three clusters", async () => {
    const file = join(folder, "article.yaml");
    const { code, out, err } = await command([...edgeLbArgv(), "import", "-", "--out", file, "--verify"], {
      input: text,
    });
    expect([err, [0, 3].includes(code)]).toEqual(["", true]);
    expect(out).toContain("0 of them unexplained");
    edge = await startEdgeLb(["--config", file, "--log-to", "stderr"]);
    for (const [listener, name, cluster] of [
      ["api", "api.hub-cluster.linuxera.lab", "hub"],
      ["https", "console.apps.hub.linuxera.lab", "hub"],
      ["http", "a.b.apps.managed1.linuxera.lab", "managed1"],
      ["https", "console.apps.managed2.linuxera.lab", "managed2"],
    ] as const) {
      expect([name, await ask(listener, ports[listener], name)]).toEqual([name, cluster]);
    }
    await edge.stop();
  }, 60_000);

  test("leads every name where HAProxy and edge-lb really lead it", async () => {
    const result = importText(text);
    const names = result.entries
      .flatMap((entry) => namesToAsk(result, entry).map((name) => ({ entry, name })))
      .filter(({ entry, name }) => canSend(kindOf(entry), name));
    haproxy = await startHaproxy(
      "article-loopback.cfg",
      text,
      LISTENERS.map((listener) => ports[listener]),
    );
    const was = await each(names, ({ entry, name }) => ask(kindOf(entry), ports[kindOf(entry)], name));
    await haproxy.stop();
    edge = await startEdgeLb(["--config", join(folder, "article.yaml"), "--log-to", "stderr"]);
    const is = await each(names, ({ entry, name }) => ask(kindOf(entry), ports[kindOf(entry)], name));

    const said = names.map(({ entry, name }) => saidOf(entry, name));
    expect(was.map((answer, at) => `${kindOf(names[at]!.entry)} ${names[at]?.name}: ${answer}`)).toEqual(said);
    const differing = names.filter((_, at) => was[at] !== is[at]).map(({ entry, name }) => `${entry.kind} ${name}`);
    const told = differencesOf(result).filter(({ listener, name }) => listener === "http" || canSend("https", name));
    expect(differing).toEqual(told.map(({ listener, name }) => `${listener} ${name}`));

    function saidOf(entry: Entry, name: string | null): string {
      const outcome = evaluate(result.source, { proxy: entry.proxy, port: ports[kindOf(entry)], name });
      const backend = outcome.kind === "backend" ? outcome.backend.name : "";
      return `${entry.kind} ${name}: ${/hub|managed\d/.exec(backend)?.[0] ?? "refused"}`;
    }
  }, 60_000);
});

/** An address is no server name (RFC 6066 §3), and no TLS library sends one. */
function canSend(listener: Listener, name: string | null): boolean {
  return listener === "http" || name === null || net.isIP(name) === 0;
}

function kindOf({ kind }: Entry): Listener {
  const listener = LISTENERS.find((name) => name === kind);
  if (listener === undefined) throw new Error(`the article has no ${kind}`);
  return listener;
}

describe("an exported configuration", () => {
  let lab: Lab;
  let table: { listener: Listener; name: string | null; answer: string }[];
  beforeAll(async () => {
    lab = await startLab({ block: "127.32.0", args: ["--default", "hub"] });
    const names = LISTENERS.flatMap((listener) => namesFor(listener).map((name) => ({ listener, name })));
    table = await each(names, async (row) => ({
      ...row,
      answer: await ask(row.listener, lab.ports[row.listener], row.name),
    }));
  }, 60_000);
  afterAll(() => lab?.stop());

  function namesFor(listener: Listener): (string | null)[] {
    const known = CLUSTERS.flatMap((cluster) => {
      const host = lab.host(cluster, listener);
      return [
        host,
        host.toUpperCase(),
        `deep.${host}`,
        `${host}.evil.example`,
        `${host}x`,
        `x${host}`,
        host.replace("api.", "api-int."),
      ];
    });
    return [...new Set([...known, "nobody.example", "linuxera.lab"]), null];
  }

  /** What the program answers on ports of its own to the table that edge-lb answered. */
  async function answersOf(target: "haproxy" | "nginx"): Promise<typeof table> {
    const [api = 0, https = 0, http = 0] = await freePorts(3);
    const ports = { api, https, http };
    const args = lab.args.map((arg) =>
      LISTENERS.reduce(
        (text, listener) =>
          text.replace(`${listener}=127.0.0.1:${lab.ports[listener]}`, `${listener}=127.0.0.1:${ports[listener]}`),
        arg,
      ),
    );
    const { code, out, err } = await runEdgeLb(["export", target, ...args, "--default", "hub", "--admin", "off"]);
    expect([code, err]).toEqual([0, ""]);
    const program = await (target === "haproxy" ? startHaproxy : startNginx)(`exported-${target}`, out, [
      api,
      https,
      http,
    ]);
    try {
      return await each(table, async ({ listener, name }) => ({
        listener,
        name,
        answer: await ask(listener, ports[listener], name),
      }));
    } finally {
      await program.stop();
    }
  }

  test("answers a table with every cluster on every listener", () => {
    const served = table.filter(({ answer }) => answer !== "refused");
    expect(new Set(served.map(({ listener, answer }) => `${listener} ${answer}`)).size).toBe(9);
    expect(table.find(({ name }) => name === "nobody.example")?.answer).toBe("refused");
  });

  test("serves the same names in HAProxy", async () => {
    expect(await answersOf("haproxy")).toEqual(table);
  }, 60_000);

  test("serves the same names in nginx", async () => {
    expect(await answersOf("nginx")).toEqual(table);
  }, 60_000);
});

describe("a real HAProxy", () => {
  test("matches as the evaluator says", async () => {
    const [port = 0] = await freePorts(1);
    const rules = MATCHES.map(([method, pattern, , ignoreCase], index) => {
      const flags = `-m ${method} ${ignoreCase ? "-i " : ""}-- '${pattern}'`;
      return ` http-request return status 200 if { path /${index} } { hdr(host) ${flags} }`;
    });
    const text = [
      "defaults",
      " mode http",
      " timeout client 5s",
      " timeout connect 5s",
      " timeout server 5s",
      "frontend f",
      ` bind 127.0.0.1:${port}`,
      ...rules,
      " http-request return status 404",
      "",
    ];
    const haproxy = await startHaproxy("matches.cfg", text.join("\n"), [port]);
    try {
      const got = await each([...MATCHES.entries()], async ([index, [, , name]]) => {
        const { out } = await command([
          "curl",
          "-s",
          "-o",
          "/dev/null",
          "-w",
          "%{http_code}",
          "-H",
          `Host: ${name}`,
          `http://127.0.0.1:${port}/${index}`,
        ]);
        return out === "200";
      });
      const show = (answers: readonly boolean[]): string[] =>
        MATCHES.map(([method, pattern, name], at) => `-m ${method} ${pattern} ${name}: ${answers[at]}`);
      expect(show(got)).toEqual(show(MATCHES.map(([, , , , want]) => want)));
    } finally {
      await haproxy.stop();
    }
  }, 30_000);

  /** tls-ends.cfg names a certificate that is not there. */
  const FIXTURES = [
    "article",
    "helper-node",
    "ipv6",
    "kubeadm",
    "labels",
    "listen",
    "maps",
    "mistakes",
    "mixed",
    "pattern-files",
    "proxy-protocol",
    "quoting",
    "server-template",
    "single-cluster",
    "weights",
  ];
  test.each(FIXTURES)("accepts the fixture %s", async (name) => {
    const path = join(folder, `${name}.cfg`);
    writeFileSync(path, readFixture(`${name}.cfg`).replaceAll("/etc/haproxy/", FOLDER));
    const { code, err } = await command(["haproxy", "-c", "-f", path], { cwd: FOLDER });
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  });

  test.each(CONFIGS)("accepts the export of %s", async (_, words) => {
    const path = join(folder, "accepted.cfg");
    writeFileSync(path, exportHaproxy(load(words)));
    const { code, err } = await command(["haproxy", "-c", "-f", path]);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  });
});

describe("a real nginx", () => {
  test.each(CONFIGS)("accepts the export of %s", async (_, words) => {
    const path = join(folder, "accepted.conf");
    writeFileSync(path, exportNginx(load(words)));
    const { code, err } = await command(["nginx", "-t", "-q", "-c", path, "-g", `pid ${folder}/accepted.pid;`]);
    expect([code, code === 0 ? "" : err]).toEqual([0, ""]);
  });
});
