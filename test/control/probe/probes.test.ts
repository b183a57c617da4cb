import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { HttpProbe, probeTcp, probeTls } from "../../../src/control/probe/probes.ts";
import { deadline, faultEvidence, ProbeTimeout } from "../../../src/control/probe/socket.ts";
import type { Address } from "../../../src/seam/snapshot.ts";
import {
  alertOnly,
  certificateFor,
  serveHttp,
  serveHttps,
  serveOnlyHttp2,
  serveRaw,
  serveTls,
  until,
  type Pair,
  type Served,
} from "./servers.ts";

const NAME = "api.hub.lab";
let pair: Pair;
const stops: (() => Promise<void> | void)[] = [];

beforeAll(() => {
  pair = certificateFor(NAME, "*.apps.hub.lab");
});
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
});

function keep(served: Served): Served {
  stops.push(() => served.stop());
  return served;
}
function httpsProbe(at: Address): HttpProbe {
  const probe = new HttpProbe({ at, tls: { servername: NAME, alpn: ["http/1.1"] } }, NAME);
  stops.push(() => probe.close());
  return probe;
}
function httpProbe(at: Address): HttpProbe {
  const probe = new HttpProbe({ at, tls: null }, "probe");
  stops.push(() => probe.close());
  return probe;
}
/** A port that nobody listens on any more. */
async function closedPort(): Promise<Address> {
  const served = await serveRaw(() => undefined);
  await served.stop();
  return served.at;
}

describe("HttpProbe", () => {
  test("asks many times on one connection, with a real name, and leaves no handshake error", async () => {
    const server = keep(await serveHttps(pair, (_path, response) => response.end("ok")));
    const probe = httpsProbe(server.at);
    for (let round = 0; round < 20; round++) {
      const answer = await probe.ask("/readyz", 2000);
      expect(answer.evidence).toEqual({ got: "http", status: 200 });
      expect(answer.fresh).toBe(round === 0);
      expect(answer.certificate?.names ?? null).toEqual(round === 0 ? [NAME, "*.apps.hub.lab"] : null);
    }
    probe.close();
    await until(() => server.seen.requests === 20);
    expect(server.seen).toMatchObject({ connections: 1, handshakes: 1, handshakeErrors: [], servernames: [NAME] });
    expect(new Set(server.seen.hosts)).toEqual(new Set([NAME]));
  });

  test("reads the end of a certificate's life and its fingerprint", async () => {
    const server = keep(await serveHttps(pair, (_path, response) => response.end("ok")));
    const { certificate } = await httpsProbe(server.at).ask("/readyz", 2000);
    const days = ((certificate?.notAfterMs ?? 0) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(88);
    expect(days).toBeLessThan(91);
    expect(certificate?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  test("reconnect() shows the certificate again on a new connection", async () => {
    const server = keep(await serveHttps(pair, (_path, response) => response.end("ok")));
    const probe = httpsProbe(server.at);
    await probe.ask("/readyz", 2000);
    probe.reconnect();
    const again = await probe.ask("/readyz", 2000);
    expect(again).toMatchObject({ fresh: true, certificate: { names: [NAME, "*.apps.hub.lab"] } });
    expect(server.seen.handshakeErrors).toEqual([]);
  });

  test("asks a server that takes only HTTP/2 in HTTP/2, and shows its certificate", async () => {
    let status = 200;
    const server = keep(await serveOnlyHttp2(pair, (path) => (path === "/readyz" ? status : 404)));
    const probe = httpsProbe(server.at);
    for (status of [200, 500, 401]) {
      const answer = await probe.ask("/readyz", 5_000);
      expect(answer.evidence).toEqual({ got: "http", status });
      expect(answer).toMatchObject({ fresh: true, certificate: { names: [NAME, "*.apps.hub.lab"] } });
    }
    // once found out, it is not offered HTTP/1.1 again
    expect(server.seen.handshakeErrors).toHaveLength(1);
    expect(server.seen).toMatchObject({ requests: 3, handshakes: 3 });
  });

  test("a server that refuses every handshake is asked twice once, and keeps its own reason", async () => {
    let hellos = 0;
    const refuse = Uint8Array.of(21, 3, 3, 0, 2, 2, 120); // no_application_protocol
    const server = keep(
      await serveRaw((socket) => socket.once("data", () => (hellos += 1) && void socket.end(refuse))),
    );
    const probe = httpsProbe(server.at);
    for (let round = 0; round < 3; round++) {
      expect((await probe.ask("/readyz", 5_000)).evidence).toMatchObject({ got: "tcp", fault: "alert" });
    }
    expect(hellos).toBe(4);
  });

  test.each([200, 401, 403, 404, 429, 500, 503])("passes status %d on", async (status) => {
    const server = keep(await serveHttp((_path, response) => response.writeHead(status).end("words")));
    const answer = await httpProbe(server.at).ask("/healthz/ready", 2000);
    expect(answer.evidence).toEqual({ got: "http", status });
  });

  test("a kept connection that the server closed is not a failure", async () => {
    const server = keep(await serveHttps(pair, (_path, response) => response.end("ok")));
    const first = server.at.port;
    const probe = httpsProbe(server.at);
    await probe.ask("/readyz", 2000);
    await server.stop();
    const again = keep(await serveHttps(pair, (_path, response) => response.end("ok"), first));
    const answer = await probe.ask("/readyz", 2000);
    expect(answer).toMatchObject({ evidence: { got: "http", status: 200 }, fresh: true });
    expect(again.seen.handshakes).toBe(1);
  });

  test("a request that dies on a kept connection is asked once more on a new one", async () => {
    let connection = 0;
    const server = keep(
      await serveRaw((socket) => {
        const mine = ++connection;
        let asked = 0;
        socket.on("data", () => {
          if (mine === 1 && ++asked === 2) socket.destroy();
          else socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
      }),
    );
    const probe = httpProbe(server.at);
    expect((await probe.ask("/", 2000)).evidence).toEqual({ got: "http", status: 200 });
    const answer = await probe.ask("/", 2000);
    expect(answer).toMatchObject({ evidence: { got: "http", status: 200 }, fresh: true });
    expect(connection).toBe(2);
  });

  test("an answer longer than is read is an answer", async () => {
    const server = keep(
      await serveRaw((socket) => {
        socket.once("data", () => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n");
          const flood = setInterval(() => socket.write(new Uint8Array(65_536)), 1);
          socket.on("close", () => clearInterval(flood));
        });
      }),
    );
    const startedMs = performance.now();
    const answer = await httpProbe(server.at).ask("/", 2000);
    expect(answer.evidence).toEqual({ got: "http", status: 200 });
    expect(performance.now() - startedMs).toBeLessThan(1500);
  });

  const mutes: readonly { name: string; behave: Parameters<typeof serveRaw>[0]; got: string; fault: string }[] = [
    { name: "only alerts", behave: alertOnly, got: "tcp", fault: "alert" },
    { name: "accepts and hangs", behave: () => undefined, got: "tcp", fault: "silent" },
    {
      name: "accepts and closes",
      behave: (socket) => socket.once("data", () => socket.end()),
      got: "tcp",
      fault: "closed",
    },
    {
      name: "resets",
      behave: (socket) => socket.once("data", () => socket.resetAndDestroy()),
      got: "tcp",
      fault: "reset",
    },
    {
      name: "speaks plain HTTP",
      behave: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      got: "tcp",
      fault: "alert",
    },
  ];
  test.each(mutes)("a server that $name is never taken for TLS", async ({ behave, got, fault }) => {
    const server = keep(await serveRaw(behave));
    const want = { got, fault, timeoutMs: 300 };
    expect((await httpsProbe(server.at).ask("/readyz", 300)).evidence).toEqual(want as never);
    expect((await probeTls(server.at, { servername: NAME, alpn: [] }, 300)).evidence).toEqual(want as never);
  });

  test("no answer in time after the handshake is silence", async () => {
    const server = keep(await serveHttps(pair, () => undefined));
    const startedMs = performance.now();
    const answer = await httpsProbe(server.at).ask("/readyz", 300);
    expect(answer.evidence).toEqual({ got: "tls", fault: "silent", timeoutMs: 300 });
    expect(performance.now() - startedMs).toBeLessThan(900);
  });

  test("bytes that are not HTTP are garbage", async () => {
    const server = keep(await serveRaw((socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.6\r\n"))));
    expect((await httpProbe(server.at).ask("/", 2000)).evidence).toEqual({
      got: "tcp",
      fault: "garbage",
      timeoutMs: 2000,
    });
  });

  test("a closed port is refused at once", async () => {
    const at = await closedPort();
    const startedMs = performance.now();
    const answer = await httpsProbe(at).ask("/readyz", 2000);
    expect(answer.evidence).toEqual({ got: "nothing", fault: "refused", timeoutMs: 2000 });
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});

describe("probeTls()", () => {
  test("finishes the handshake, says goodbye and reads certificate and h2", async () => {
    const server = keep(await serveTls(pair));
    for (let round = 0; round < 5; round++) {
      const answer = await probeTls(server.at, { servername: "x.apps.hub.lab", alpn: ["h2", "http/1.1"] }, 2000);
      expect(answer.evidence).toEqual({ got: "tls", fault: null, timeoutMs: 2000 });
      expect(answer.certificate).toMatchObject({ names: [NAME, "*.apps.hub.lab"], offersH2: true });
    }
    await until(() => server.seen.handshakes === 5);
    expect(server.seen.handshakeErrors).toEqual([]);
    expect(new Set(server.seen.servernames)).toEqual(new Set(["x.apps.hub.lab"]));
  });

  test("asks without a name where none is known", async () => {
    const server = keep(await serveHttps(pair, (_path, response) => response.end()));
    await probeTls(server.at, { servername: null, alpn: ["http/1.1"] }, 2000);
    await until(() => server.seen.handshakes === 1);
    expect(server.seen.servernames[0] || "").toBe("");
  });
});

describe("deadline()", () => {
  const stalled = async (stallMs: number): Promise<boolean> => {
    const over = new Promise<ProbeTimeout>((resolve) => deadline(100, resolve));
    const until = performance.now() + stallMs;
    while (performance.now() < until); // this machine stands still
    return (await over).overslept;
  };
  test("knows when this machine stood still and cannot blame the node", async () => {
    expect(await stalled(400)).toBe(true);
    const timeout = new ProbeTimeout(true);
    expect(faultEvidence(timeout, { got: "tcp", certificate: null }, 100)).toBeNull();
  });
});

describe("probeTcp()", () => {
  test("says nothing of a node when this process has no descriptor left", () => {
    const script = new URL("shortage.ts", import.meta.url).pathname;
    const limited = ["-c", `ulimit -n 64 && exec "$0" "$1"`, process.execPath, script];
    const { stdout } = spawnSync("sh", limited, { encoding: "utf8", timeout: 20_000 });
    expect(JSON.parse(stdout)).toEqual({ before: { got: "tcp", fault: null, timeoutMs: 1_000 }, during: null });
  });
  test("an open port is enough", async () => {
    const server = keep(await serveRaw(() => undefined));
    expect((await probeTcp(server.at, 2000)).evidence).toEqual({ got: "tcp", fault: null, timeoutMs: 2000 });
  });
  test("a closed port is refused", async () => {
    expect((await probeTcp(await closedPort(), 2000)).evidence).toEqual({
      got: "nothing",
      fault: "refused",
      timeoutMs: 2000,
    });
  });
});
