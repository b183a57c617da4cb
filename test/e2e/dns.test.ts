/** `--dns` as real resolvers meet it: dig, and dnsmasq and unbound that forward to it as `edge-lb dns --forward` says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { edgeLbArgv, startEdgeLb, type EdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program } from "../../scripts/lab/programs.ts";

const IP = "127.61.0.1";
const OTHER = "127.61.0.2";
const CLUSTER = ["--domain", "lab", "--cluster", "hub=127.61.0.9,check=off,names=*.shop.example"];

describe("--dns", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-dns-"));
  let edge: EdgeLb;
  let listen: readonly string[];
  let port: number;
  let admin: number;
  let forwarders: readonly number[];
  const children: Bun.Subprocess[] = [];

  beforeAll(async () => {
    const [api = 0, dns = 0, status = 0, ...rest] = await freePorts(5);
    [port, admin, forwarders] = [dns, status, rest];
    listen = ["--listen", `api=${IP}:${api}`, "--listen", "https=off", "--listen", "http=off"];
    const answering = ["--dns", `${IP}:${dns},${OTHER}:${dns},[::1]:${dns}`, "--admin", `127.0.0.1:${status}`];
    edge = await startEdgeLb([...CLUSTER, ...listen, ...answering]);
  }, 60_000);
  afterAll(async () => {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exited));
    await edge.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function dig(server: string, at: number, ...question: readonly string[]): Promise<string> {
    const { out } = await command([
      "dig",
      `@${server}`,
      "-p",
      String(at),
      "+tries=2",
      "+time=5",
      "+nocookie",
      ...question,
    ]);
    return out;
  }
  const short = async (server: string, at: number, ...question: readonly string[]): Promise<string> =>
    (await dig(server, at, "+short", ...question)).trim();

  test.each([
    [IP, ["api.hub.lab"], IP],
    [OTHER, ["api.hub.lab"], OTHER],
    ["::1", ["console.apps.hub.lab", "AAAA"], "::1"],
    ["::1", ["console.apps.hub.lab", "A"], ""],
    [IP, ["+tcp", "a.b.apps.hub.lab"], IP],
    [IP, ["x.shop.example"], IP],
  ])("dig @%s %p answers with the address that was asked", async (server, question, answer) => {
    expect(await short(server, port, ...question)).toBe(answer);
  });

  test.each([
    ["nope.hub.lab", "NXDOMAIN"],
    ["example.com", "REFUSED"],
    ["hub.lab", "NOERROR"],
  ])("says of %s: %s", async (name, status) => {
    expect(await dig(IP, port, name)).toContain(`status: ${status}`);
  });

  async function until(what: string, ask: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + 20_000;
    while (!(await ask())) {
      if (performance.now() > end) throw new Error(`never came: ${what}`);
      await Bun.sleep(100);
    }
  }

  test("dnsmasq forwards to it with the lines that edge-lb prints", async () => {
    const [at = 0] = forwarders;
    const { out } = await command([
      ...edgeLbArgv(),
      "dns",
      ...CLUSTER,
      "--format",
      "dnsmasq",
      "--forward",
      `${IP}#${port}`,
    ]);
    const file = join(folder, "dnsmasq.conf");
    writeFileSync(
      file,
      `${out}port=${at}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nuser=root\npid-file=\n`,
    );
    expect((await command(["dnsmasq", "--test", `--conf-file=${file}`])).code).toBe(0);
    children.push(Bun.spawn([program("dnsmasq"), "--keep-in-foreground", `--conf-file=${file}`]));
    await until("an answer by dnsmasq", async () => (await short("127.0.0.1", at, "api.hub.lab")) === IP);
    expect(await short("127.0.0.1", at, "r.shop.example")).toBe(IP);
  }, 60_000);

  test("unbound forwards to it", async () => {
    const [, at = 0] = forwarders;
    const file = join(folder, "unbound.conf");
    writeFileSync(
      file,
      `server:
  interface: 127.0.0.1@${at}
  port: ${at}
  do-daemonize: no
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  domain-insecure: "lab"
  local-zone: "lab" nodefault
  module-config: "iterator"
stub-zone:
  name: "hub.lab"
  stub-addr: ${IP}@${port}
`,
    );
    children.push(Bun.spawn([program("unbound"), "-d", "-c", file], { stderr: "ignore" }));
    await until("an answer by unbound", async () => (await short("127.0.0.1", at, "console.apps.hub.lab")) === IP);
  }, 60_000);

  test("is counted, shown, and told by check --live", async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
    for (const rcode of ["NOERROR", "NXDOMAIN", "REFUSED"]) {
      expect(metrics).toMatch(new RegExp(`edge_lb_dns_answers_total\\{rcode="${rcode}"\\} [1-9]`));
    }
    expect(edge.ready["dns"]).toBe(`${IP}:${port},${OTHER}:${port},[::1]:${port}`);
    const { out } = await command([
      ...edgeLbArgv(),
      "check",
      "--live",
      ...CLUSTER,
      ...listen,
      "--dns",
      `${IP}:${port}`,
      "--admin",
      "off",
    ]);
    expect(out).toContain(`--dns ${IP}:${port} answers api.hub.lab: ${IP}`);
  }, 60_000);

  test("connections that ask nothing, half a query or nonsense keep nobody from an answer", async () => {
    const open = Array.from({ length: 100 }, (_, at) => {
      const socket = net.connect(port, IP);
      socket.on("error", () => {});
      if (at % 2 === 0) socket.write(Buffer.from([0, 50, 1, 2, 3]));
      return socket;
    });
    expect(await short(IP, port, "+tcp", "api.hub.lab")).toBe(IP);
    for (const socket of open) socket.destroy();
  });

  test("an address that is taken ends the start with its name", async () => {
    const listen = ["--listen", "api=127.61.0.3:0", "--listen", "https=off", "--listen", "http=off"];
    const rest = ["--dns", `${IP}:${port}`, "--admin", "off", "--control", "off"];
    const { code, err } = await command([...edgeLbArgv(), ...CLUSTER, ...listen, ...rest]);
    expect([code, err]).toEqual([1, expect.stringContaining(`Cannot listen on ${IP}:${port}: `)]);
  }, 30_000);
});
