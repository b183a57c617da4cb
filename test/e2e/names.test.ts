/** Names that belong to nobody, connections without a name, and what is not TLS at all: the client is told. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { command, type CommandResult } from "../../scripts/lab/command.ts";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ block: "127.21.0" });
});
afterAll(() => lab?.stop());

const curl = (name: string, port: number, scheme = "https", ...more: string[]): Promise<CommandResult> =>
  command([
    ["curl", "--silent", "--show-error", "--insecure"],
    ["--resolve", `${name}:${port}:127.0.0.1`],
    more,
    `${scheme}://${name}:${port}/`,
  ]);

const sClient = (port: number, ...more: string[]): Promise<CommandResult> =>
  command(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...more]);

/** Sends raw bytes and keeps its side open; all that came back until the other side closed. */
async function raw(port: number, text: string): Promise<string> {
  let answer = "";
  const closed = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(text),
      data: (_, chunk) => void (answer += chunk.toString("latin1")),
      end: () => closed.resolve(),
      close: () => closed.resolve(),
      error: (_, error) => closed.reject(error),
    },
  });
  await closed.promise;
  return answer;
}

const STRANGERS = [
  "nobody.example",
  "api.hub-cluster.linuxera.lab.evil.com",
  "console.apps.managed1.linuxera.labx",
  "apps.managed1.linuxera.lab",
  "xapi.hub-cluster.linuxera.lab",
];

describe("a TLS listener", () => {
  test.each(STRANGERS)("tells curl unrecognized name for %s", async (name) => {
    for (const port of [lab.ports.api, lab.ports.https]) {
      const { code, err } = await curl(name, port);
      expect(code).toBe(35);
      expect(err).toContain("unrecognized name");
    }
    await lab.edge.logged(new RegExp(`${name.replaceAll(".", "\\.")} .*unknown name`));
  });

  test("sends openssl alert 112 for an unknown name and for none", async () => {
    for (const more of [["-servername", "nobody.example"], ["-noservername"]]) {
      const { err, out } = await sClient(lab.ports.https, ...more);
      expect(err + out).toContain("SSL alert number 112");
    }
  });

  test("does not serve an ingress name on the API listener, nor the other way round", async () => {
    const { code, err } = await curl(lab.host("hub", "https"), lab.ports.api);
    expect({ code, err }).toMatchObject({ code: 35, err: expect.stringContaining("unrecognized name") });
    expect((await curl(lab.host("hub", "api"), lab.ports.https)).err).toContain("unrecognized name");
  });

  test("answers plain HTTP with a 400 that says so", async () => {
    const { out } = await curl("hub-cluster.linuxera.lab", lab.ports.https, "http", "--include");
    expect(out).toStartWith("HTTP/1.1 400 ");
    expect(out).toMatch(/https|TLS/);
  });

  test("closes on what is neither TLS nor HTTP", async () => {
    expect(await raw(lab.ports.api, "SSH-2.0-OpenSSH_9.2\r\n")).toBe("");
  });
});

describe("the HTTP listener", () => {
  test("names an unknown host in a 404, escaped", async () => {
    const { out } = await curl("nobody.example", lab.ports.http, "http", "--include");
    expect(out).toStartWith("HTTP/1.1 404 ");
    expect(out).toContain("nobody.example");
    const html = await raw(
      lab.ports.http,
      "GET / HTTP/1.1\r\nHost: <b>x\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    );
    expect(html).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(html).not.toContain("<b>x");
  });

  test.each([
    ["HTTP/1.1 without Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 404],
    ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405],
    ["HTTP/2 without TLS", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["noise", "\x01\x02\x03\r\n\r\n", 400],
  ])("answers %s with its status", async (_, request, status) => {
    expect(await raw(lab.ports.http, request)).toStartWith(`HTTP/1.1 ${status} `);
  });
});

describe("--default", () => {
  test("takes connections without a name", async () => {
    const other = await startLab({ block: "127.21.1", args: ["--default", "managed2"] });
    try {
      const { out } = await sClient(other.ports.api, "-noservername");
      expect(out).toContain("api.managed2.linuxera.lab");
      expect(await raw(other.ports.http, "GET / HTTP/1.0\r\n\r\n")).toContain('"cluster":"managed2"');
    } finally {
      await other.stop();
    }
  });
});
