/** Nodes see their clients' own addresses: three machines, of which edge-lb's is the way between the other two. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { command, type CommandLine, type CommandResult } from "../../scripts/lab/command.ts";
import { type EdgeLb, edgeLbArgv, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { program as pathOf } from "../../scripts/lab/programs.ts";

const id = `${process.pid % 100_000}`;
const [client, edge, node] = [`edge-lb-c${id}`, `edge-lb-e${id}`, `edge-lb-n${id}`];
const PORT = 16_443;
/** Says who came. */
const API = `
const tls = { key: await Bun.file("/tmp/edge-lb-source-${id}.key").text(), cert: await Bun.file("/tmp/edge-lb-source-${id}.crt").text() };
for (const [port, more] of [[${PORT}, { tls }], [18080, {}]]) for (const hostname of ["10.91.2.20", "fd91:2::20"])
  Bun.serve({ port, hostname, ...more, fetch: (request, server) => new Response(server.requestIP(request).address) });
console.log("serving");
`;
let running: EdgeLb | undefined;
let api: ReturnType<typeof Bun.spawn> | undefined;

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(pathOf("ip"), args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${args.join(" ")}: ${stderr.trim()}`);
}

function inside(name: string, ...line: CommandLine): Promise<CommandResult> {
  return command(["ip", "netns", "exec", name, ...line]);
}

beforeAll(async () => {
  const key = `/tmp/edge-lb-source-${id}`;
  await command([
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ["-subj", "/CN=api.hub.lab", "-keyout", `${key}.key`, "-out", `${key}.crt`],
  ]);
  for (const name of [client, edge, node]) ip("netns", "add", name);
  link("c", client, "1", "9");
  link("n", node, "2", "20");
  for (const name of [client, edge, node]) ip("-n", name, "link", "set", "lo", "up");
  api = Bun.spawn(["ip", "netns", "exec", node, process.execPath, "-e", API], { stdio: ["ignore", "pipe", "inherit"] });
  const reader = (api.stdout as ReadableStream<Uint8Array>).getReader();
  await reader.read();
}, 30_000);
afterAll(async () => {
  await running?.stop();
  api?.kill("SIGKILL");
  for (const name of [client, edge, node]) spawnSync("ip", ["netns", "delete", name]);
  spawnSync("rm", ["-f", `/tmp/edge-lb-source-${id}.key`, `/tmp/edge-lb-source-${id}.crt`]);
});

/** A machine with its way to edge-lb's, which is its gateway. */
function link(letter: string, name: string, net: string, host: string): void {
  const device = `v${letter}${id}`;
  ip("link", "add", device, "netns", name, "type", "veth", "peer", "name", device, "netns", edge);
  ip("-n", edge, "address", "add", `10.91.${net}.1/24`, "dev", device);
  ip("-n", edge, "address", "add", `fd91:${net}::1/64`, "dev", device, "nodad");
  ip("-n", name, "address", "add", `10.91.${net}.${host}/24`, "dev", device);
  ip("-n", name, "address", "add", `fd91:${net}::${host}/64`, "dev", device, "nodad");
  for (const at of [edge, name]) ip("-n", at, "link", "set", device, "up");
  ip("-n", name, "route", "add", "default", "via", `10.91.${net}.1`);
  ip("-n", name, "-6", "route", "add", "default", "via", `fd91:${net}::1`);
}

const KEYS = `api-port=${PORT},http-port=18080,source=client,check=off`;
const FLAGS = [
  ["--cluster", `hub=10.91.2.20,domain=hub.lab,${KEYS}`],
  ["--cluster", `six=[fd91:2::20],domain=six.lab,${KEYS}`],
].flat();
const RULES = [...edgeLbArgv(), "rules", ...FLAGS];

describe("source=client", () => {
  test("is told what is missing, and rules --apply mends it as often as it is run", async () => {
    const printed = await inside(edge, RULES);
    expect(printed.out).toContain("ip -4 rule add fwmark 0x192b lookup 6443 priority 6443\n");
    expect(printed.out).toContain("nft add rule inet edge_lb prerouting socket transparent 1 meta mark set 0x192b\n");
    const before = await inside(edge, edgeLbArgv(), "check", "--live", FLAGS);
    expect(before.out).toContain("source=client: the route in table 6443 that delivers IPv6 here is missing");
    expect(before.out).toContain("sudo ip -6 route replace local default dev lo table 6443");
    expect(await inside(edge, RULES, "--apply")).toMatchObject({ code: 0, out: printed.out });
    expect(await inside(edge, RULES, "--apply")).toMatchObject({ code: 0, out: "" });
    const after = await inside(edge, edgeLbArgv(), "check", "--live", FLAGS);
    expect(after.out).toContain("source=client: rules and routes are there");
  }, 60_000);

  test("shows nodes the client's address, over TLS and on port 80, IPv4 and IPv6", async () => {
    const listen = ["--listen", "api=:6443", "--listen", "https=off", "--listen", "http=:80", "--user", "root"];
    running = await startEdgeLb([...FLAGS, ...listen], { argv: ["ip", "netns", "exec", edge, ...edgeLbArgv()] });
    expect(running.ready["engine"]).toBe("linux");
    for (const [name, at, want] of [
      ["hub", "10.91.1.1", "10.91.1.9"],
      ["six", "[fd91:1::1]", "fd91:1::9"],
    ] as const) {
      const resolve = ["--resolve", `api.${name}.lab:6443:${at}`, "--resolve", `a.apps.${name}.lab:80:${at}`];
      for (const url of [`https://api.${name}.lab:6443/`, `http://a.apps.${name}.lab/`])
        for (let round = 0; round < 3; round++) {
          const { out, err } = await inside(client, ["curl", "--silent", "--show-error", "--insecure"], resolve, [url]);
          expect(out || err).toBe(want);
        }
    }
  }, 60_000);

  test("dials from edge-lb's address for a client in the node's network, and for one of another family", async () => {
    const own = await inside(
      node,
      [
        ["curl", "--silent", "--insecure", "--resolve", "api.hub.lab:6443:10.91.2.1", "https://api.hub.lab:6443/"],
      ].flat(),
    );
    expect(own.out).toBe("10.91.2.1");
    await running?.logged(/api api\.hub\.lab 10\.91\.2\.20:\d+ > hub .*own address/);
    const other = await inside(
      client,
      [
        ["curl", "--silent", "--insecure", "--resolve", "api.six.lab:6443:10.91.1.1", "https://api.six.lab:6443/"],
      ].flat(),
    );
    expect(other.out).toBe("fd91:2::1");
    await running?.logged(/api api\.six\.lab 10\.91\.1\.9:\d+ > six .*own address/);
  }, 60_000);

  test("is refused at the start by another engine", async () => {
    const refused = await inside(edge, edgeLbArgv(), FLAGS, "--engine", "bun", "--listen", "http=:81");
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(
      `Cannot use source=client of cluster "hub": engine bun cannot dial from a client's address`,
    );
  }, 60_000);

  test("is refused at the start without the right", async () => {
    const drop = ["setpriv", "--bounding-set", "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw"];
    const refused = await inside(edge, drop, edgeLbArgv(), FLAGS, "--listen", "http=:81");
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(`Cannot use source=client of cluster "hub": CAP_NET_ADMIN is missing`);
  }, 60_000);

  test("rules --remove takes all of it back, as often as it is run", async () => {
    for (let round = 0; round < 2; round++)
      expect(await inside(edge, edgeLbArgv(), "rules", "--remove")).toMatchObject({ code: 0 });
    expect((await inside(edge, "nft", "list", "tables")).out).toBe("");
    expect((await inside(edge, "ip", "rule", "show")).out).not.toContain("6443");
  }, 60_000);
});
