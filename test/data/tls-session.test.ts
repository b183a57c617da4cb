import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { countOf } from "../../src/seam/board.ts";
import { hello, record, serverName } from "../core/tls/hello-builder.ts";
import { startLab, type Lab } from "./service-lab.ts";
import { poolOf, withPool } from "../support/built-in.ts";

const FLAGS = ["--domain lab", "--cluster hub=10.1.0.1-3", "--cluster two=10.2.0.1"];
const API = hello(serverName("api.hub.lab"));
const ALERT = { accessDenied: 49, decodeError: 50, internalError: 80, unrecognizedName: 112 } as const;

function startAll(...more: readonly string[]): Lab {
  const lab = startLab(...FLAGS, ...more);
  for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1"]) lab.node(ip, "api");
  return lab;
}

function alertOf(received: Uint8Array): number {
  expect([...received.subarray(0, 5)]).toEqual([21, 3, 3, 0, 2]);
  expect(received.length).toBe(7);
  expect(received[5]).toBe(2); // fatal
  return received[6] ?? -1;
}

/** Only nodes that this test made accept. */
function only(lab: Lab, ip: string): ReturnType<Lab["node"]> {
  return lab.node(ip, "api");
}

describe("acceptTls()", () => {
  test("replays the hello byte for byte however it was cut, then both ways run", () => {
    for (const cut of [1, 5, 6, 40, API.length - 1]) {
      const lab = startLab(...FLAGS);
      const node = only(lab, "10.1.0.1");
      lab.setHealth("10.1.0.1", "api", "up");
      const client = lab.connect("api");
      client.send(API.slice(0, cut));
      lab.runtime.settle();
      client.send(API.slice(cut));
      lab.runtime.settle();
      const [peer] = node.peers;
      peer?.send(new Uint8Array([1, 2, 3]));
      client.send(new Uint8Array([4, 5]));
      lab.runtime.settle();
      expect([...(peer?.received ?? [])]).toEqual([...API, 4, 5]);
      expect([...client.received]).toEqual([1, 2, 3]);
    }
  });

  test("replays a real post-quantum hello that comes byte by byte", () => {
    const bytes = new Uint8Array(readFileSync(new URL("../fixtures/tls/bun-1.4-post-quantum.bin", import.meta.url)));
    const lab = startLab("--domain lab", "--default hub", "--cluster hub=10.1.0.1,api-names=api.hub.example");
    const node = only(lab, "10.1.0.1");
    const client = lab.connect("api");
    for (let at = 0; at < bytes.length; at++) {
      client.send(bytes.slice(at, at + 1));
      lab.runtime.settle();
    }
    expect(node.peers[0]?.received).toEqual(Buffer.from(bytes));
  });

  const refused = [
    {
      name: "an unknown name",
      bytes: hello(serverName("api.hub.lab.evil.com")),
      alert: ALERT.unrecognizedName,
      end: "unknown name",
    },
    {
      name: "an extra label in front of the API's name",
      bytes: hello(serverName("x.api.hub.lab")),
      alert: ALERT.unrecognizedName,
      end: "unknown name",
    },
    { name: "no name", bytes: hello(), alert: ALERT.unrecognizedName, end: "no name" },
    { name: "an address as name", bytes: hello(serverName("10.0.0.1")), alert: ALERT.unrecognizedName, end: "no name" },
    {
      name: "two names",
      bytes: hello(serverName("api.hub.lab", "api.two.lab")),
      alert: ALERT.decodeError,
      end: "malformed",
    },
    {
      name: "a record that is no hello",
      bytes: new Uint8Array(record([9, 9, 9, 9])),
      alert: ALERT.decodeError,
      end: "malformed",
    },
  ];
  test.each(refused)("answers $name with its alert, and nothing reaches a node", ({ bytes, alert, end }) => {
    const lab = startLab(...FLAGS);
    const nodes = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1"].map((ip) => only(lab, ip));
    const client = lab.connect("api");
    client.send(bytes);
    lab.runtime.settle();
    expect(alertOf(client.received)).toBe(alert);
    expect(client.ended).toBe(true);
    expect(nodes.flatMap(({ peers }) => peers)).toHaveLength(0);
    expect(lab.records()).toMatchObject([{ listener: "api", end, cluster: null }]);
  });

  test("names the nearest known name in the log and tells control of the unknown one", () => {
    const lab = startLab(...FLAGS);
    lab.connect("api").send(hello(serverName("api.hbu.lab")));
    lab.runtime.settle();
    expect(lab.records()[0]?.note).toBe("nearest known: api.hub.lab");
    expect(lab.posted("unknown-name")).toMatchObject([{ listener: "api", name: "api.hbu.lab", client: "10.9.9.9" }]);
  });

  test("gives --default what has no name, not what has an unknown one", () => {
    const lab = startAll("--default two");
    lab.connect("api").send(hello());
    lab.connect("api").send(hello(serverName("api.other.lab")));
    lab.runtime.settle();
    expect(lab.active("cluster/two")).toBe(1);
    expect(lab.records()).toMatchObject([{ end: "unknown name" }]);
  });

  test("answers plain HTTP in HTTP, and other bytes with the end of the connection", () => {
    const lab = startLab(...FLAGS);
    const browser = lab.connect("https");
    browser.send(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    const other = lab.connect("https");
    other.send(new Uint8Array([0, 1, 2, 3, 4, 5]));
    lab.runtime.settle();
    expect(new TextDecoder().decode(browser.received)).toStartWith("HTTP/1.1 400 Bad Request\r\n");
    expect(new TextDecoder().decode(browser.received)).toContain("This port speaks TLS");
    expect([browser.ended, other.ended, other.received.length]).toEqual([true, true, 0]);
    expect(lab.records().map(({ end }) => end)).toEqual(["not TLS", "not TLS"]);
  });

  test("closes a client that does not say hello in time, and logs it only if it said something", () => {
    const lab = startLab(...FLAGS);
    const [silent, slow] = [lab.connect("api"), lab.connect("api")];
    slow.send(API.slice(0, 20));
    lab.runtime.settle();
    lab.runtime.advance(4_900);
    expect([silent.ended, slow.ended]).toEqual([false, false]);
    lab.runtime.advance(200);
    expect([silent.ended, slow.ended]).toEqual([true, true]);
    expect(lab.records().map(({ end }) => end)).toEqual(["hello timeout"]);
    expect(countOf(lab.board, "timedOut")).toBe(2);
  });

  test("gives each client its own time, whoever came or left before it", () => {
    const lab = startLab(...FLAGS);
    const first = lab.connect("api");
    lab.runtime.advance(2_000);
    const second = lab.connect("api");
    lab.runtime.advance(1_000);
    const third = lab.connect("api");
    second.send(API.slice(0, -1));
    lab.runtime.advance(1_900);
    expect([first.ended, second.ended, third.ended]).toEqual([false, false, false]);
    lab.runtime.advance(200);
    expect([first.ended, second.ended, third.ended]).toEqual([true, false, false]);
    second.reset();
    lab.runtime.advance(2_800);
    expect(third.ended).toBe(false);
    lab.runtime.advance(200);
    expect(third.ended).toBe(true);
    expect([countOf(lab.board, "timedOut"), countOf(lab.board, "open")]).toEqual([2, 0]);
  });

  test("closes a client that finishes half a hello", () => {
    const lab = startLab(...FLAGS);
    const client = lab.connect("api");
    client.send(API.slice(0, 20));
    client.finish();
    lab.runtime.settle();
    expect(client.state).not.toBe("open");
    expect([countOf(lab.board, "clientGone"), countOf(lab.board, "open")]).toEqual([1, 0]);
  });

  test("goes to the next endpoint when one refuses, and blames it once", () => {
    const lab = startLab(...FLAGS);
    only(lab, "10.1.0.3");
    lab.connect("api").send(API);
    lab.runtime.settle();
    expect(lab.active("cluster/hub/api/10.1.0.3:6443")).toBe(1);
    expect(lab.active("cluster/hub/api/10.1.0.1:6443")).toBe(0);
    expect(lab.posted("dial-failed").length).toBeLessThanOrEqual(2);
    expect(lab.posted("dial-failed").every(({ error }) => error === "refused")).toBe(true);
  });

  test("gives up on an endpoint that does not answer after `connect`, with 8 s in all", () => {
    const lab = startLab(...FLAGS);
    for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3"]) lab.runtime.fail({ ip, port: 6443 }, "timeout");
    const client = lab.connect("api");
    client.send(API);
    lab.runtime.advance(7_900);
    expect(client.ended).toBe(false);
    lab.runtime.advance(200);
    expect(alertOf(client.received)).toBe(ALERT.internalError);
    expect(lab.records()).toMatchObject([{ end: "node down", cluster: "hub", note: "3 tried, last: timeout" }]);
    expect(lab.active("cluster/hub/api/10.1.0.1:6443")).toBe(0);
  });

  test.each([["dead"], ["drained"], ["foreign"]] as const)("never sends a client to a node that is %s", (state) => {
    const lab = startAll();
    for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3"]) lab.setHealth(ip, "api", state);
    const client = lab.connect("api");
    client.send(API);
    lab.runtime.settle();
    expect(alertOf(client.received)).toBe(ALERT.internalError);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("asks both lists of `allow`, and refuses with access_denied", () => {
    const lab = startLab("--domain lab", "--allow 10.0.0.0/8", "--cluster hub=10.1.0.1,allow=10.9.0.0/16");
    only(lab, "10.1.0.1");
    const clients = ["10.9.1.1", "10.8.1.1", "192.168.1.1"].map((ip) => lab.connect("api", ip));
    for (const client of clients) client.send(API);
    lab.runtime.settle();
    expect(lab.active("cluster/hub")).toBe(1);
    expect(clients.slice(1).map((client) => alertOf(client.received))).toEqual([
      ALERT.accessDenied,
      ALERT.accessDenied,
    ]);
  });

  test("keeps the limits: in all, per client, per cluster; a place that gets free is given again", () => {
    const lab = startAll("--max-connections 3", "--max-connections-per-client 2");
    const open = [lab.connect("api", "10.9.0.1"), lab.connect("api", "10.9.0.1")];
    for (const client of open) client.send(API);
    const third = lab.connect("api", "10.9.0.1");
    lab.runtime.settle();
    expect(alertOf(third.received)).toBe(ALERT.internalError);
    lab.runtime.advance(2_000);
    open[0]?.reset();
    lab.runtime.settle();
    const again = lab.connect("api", "10.9.0.1");
    again.send(API);
    lab.runtime.settle();
    expect(again.received.length).toBe(0);
    expect(lab.active("cluster/hub")).toBe(2);
    expect(lab.records().map(({ end, note }) => [end, note])).toContainEqual([
      "limit reached",
      "max-connections-per-client",
    ]);
  });

  test("tells a node that wants it who the client is, before the hello", () => {
    const lab = startLab(...FLAGS);
    const snapshot = lab.snapshot();
    const node = only(lab, "10.1.0.1");
    lab.setHealth("10.1.0.1", "api", "up");
    const [hub, ...rest] = snapshot.clusters;
    const pool = poolOf(hub, "api");
    if (hub === undefined || pool === undefined) throw new Error("no hub");
    const withProxy = withPool(hub, "api", { ...pool, sendProxy: 1 });
    lab.runtime.deliver({ kind: "snapshot", snapshot: { ...snapshot, version: 9, clusters: [withProxy, ...rest] } });
    lab.runtime.settle();
    lab.connect("api").send(API);
    lab.runtime.settle();
    const received = node.peers[0]?.received ?? new Uint8Array();
    expect(new TextDecoder().decode(received)).toStartWith("PROXY TCP4 10.9.9.9 10.0.0.1 ");
    expect([...received.subarray(-API.length)]).toEqual([...API]);
  });
});

describe("acceptTls() on an mcs listener", () => {
  test("goes by name, else to the cluster whose bridge the client came over, else nowhere", () => {
    const flags = ["--domain lab", "--listen mcs=10.0.0.1:22623", "--cluster hub=10.0.0.20", "--cluster two=10.2.0.1"];
    const lab = startLab(...flags);
    const nodes = ["10.0.0.20", "10.2.0.1"].map((ip) => lab.runtime.node({ ip, port: 22_623 }));
    lab.runtime.deliver({
      kind: "snapshot",
      snapshot: { ...lab.snapshot(), version: 2, bridges: [{ ip: "10.0.0.1", cluster: 0 }] },
    });
    const at = { ip: "", port: 22_623 };
    lab.runtime.deliver({ kind: "listen", add: [{ service: "mcs", at, fd: -1, reusePort: false }], remove: [] });
    lab.runtime.settle();
    const hellos = [hello(), hello(serverName("api-int.two.lab")), hello(serverName("10.0.0.1"))];
    for (const bytes of hellos) lab.runtime.connect({ ip: "10.0.0.1", port: 22_623 }).send(bytes);
    const elsewhere = lab.runtime.connect({ ip: "10.0.0.2", port: 22_623 });
    elsewhere.send(hello());
    lab.runtime.settle();
    expect(nodes.map(({ peers }) => peers.length)).toEqual([2, 1]);
    expect(alertOf(elsewhere.received)).toBe(ALERT.unrecognizedName);
  });
});

describe("TlsTunnel", () => {
  test("counts bytes and connections on cluster, pool and endpoint, and logs one line at its end", () => {
    const lab = startLab(...FLAGS);
    const node = only(lab, "10.1.0.1");
    lab.setHealth("10.1.0.1", "api", "up");
    const client = lab.connect("api");
    client.send(API);
    lab.runtime.settle();
    node.peers[0]?.send(new Uint8Array(1_000));
    lab.runtime.settle();
    for (const key of ["cluster/hub", "cluster/hub/api", "cluster/hub/api/10.1.0.1:6443"])
      expect(lab.active(key)).toBe(1);
    node.peers[0]?.finish();
    client.finish();
    lab.runtime.settle();
    for (const key of ["cluster/hub", "cluster/hub/api", "cluster/hub/api/10.1.0.1:6443"])
      expect(lab.active(key)).toBe(0);
    expect(lab.records()).toMatchObject([
      {
        name: "api.hub.lab",
        cluster: "hub",
        node: "10.1.0.1:6443",
        bytesUp: API.length,
        bytesDown: 1_000,
        end: expect.stringMatching(/closed$/),
      },
    ]);
    expect(countOf(lab.board, "open")).toBe(0);
  });
});

describe("Service", () => {
  function openTunnel(lab: Lab, name = "api.hub.lab"): ReturnType<Lab["connect"]> {
    const client = lab.connect("api");
    client.send(hello(serverName(name)));
    lab.runtime.settle();
    return client;
  }

  test("cuts the tunnels of a cell at once or after a while, and no others", () => {
    const lab = startAll();
    const [hub, two] = [openTunnel(lab), openTunnel(lab, "api.two.lab")];
    lab.runtime.deliver({ kind: "cut", cell: lab.cell("cluster/hub"), afterMs: 1_000, reason: "removed" });
    lab.runtime.advance(900);
    expect(hub.state).toBe("open");
    lab.runtime.advance(200);
    expect([hub.state, two.state]).toEqual(["reset", "open"]);
    expect(lab.records()).toMatchObject([{ end: "cut: removed", cluster: "hub" }]);
  });

  test("spares the tunnels of a drain that was undone", () => {
    const lab = startLab(...FLAGS);
    only(lab, "10.1.0.1");
    lab.setHealth("10.1.0.1", "api", "up");
    const client = openTunnel(lab);
    const cell = lab.cell("cluster/hub/api/10.1.0.1:6443");
    lab.setHealth("10.1.0.1", "api", "drained");
    lab.runtime.deliver({ kind: "cut", cell, afterMs: 1_000, reason: "drain" });
    lab.runtime.advance(500);
    lab.setHealth("10.1.0.1", "api", "up");
    lab.runtime.advance(1_000);
    expect(client.state).toBe("open");
    lab.setHealth("10.1.0.1", "api", "drained");
    lab.runtime.deliver({ kind: "cut", cell, afterMs: 1_000, reason: "drain" });
    lab.runtime.advance(1_500);
    expect(client.state).toBe("reset");
  });

  test("takes a new snapshot for new connections and says which is the oldest still in use", () => {
    const lab = startAll();
    const tunnel = openTunnel(lab);
    lab.runtime.fail({ ip: "10.2.0.1", port: 6443 }, "timeout");
    const dialing = openTunnel(lab, "api.two.lab");
    lab.apply("--domain lab", "--cluster hub=10.1.0.1-3");
    expect(lab.posted("applied").at(-1)).toMatchObject({ version: 2, oldest: 1 });
    lab.runtime.advance(9_000);
    expect(dialing.ended).toBe(true);
    expect(lab.posted("applied").at(-1)).toMatchObject({ version: 2, oldest: 2 });
    expect(tunnel.state).toBe("open");
    const gone = openTunnel(lab, "api.two.lab");
    expect(alertOf(gone.received)).toBe(ALERT.unrecognizedName);
  });

  test("ends the tunnels of clients that a tightened `allow` leaves out", () => {
    const lab = startAll();
    const [inside, outside] = [lab.connect("api", "10.9.0.1"), lab.connect("api", "10.8.0.1")];
    for (const client of [inside, outside]) client.send(API);
    lab.runtime.settle();
    lab.apply(...FLAGS, "--allow 10.9.0.0/16");
    lab.runtime.deliver({ kind: "check-access", afterMs: 100 });
    lab.runtime.advance(200);
    expect([inside.state, outside.state]).toEqual(["open", "reset"]);
  });

  test("stops: accepts nobody new, waits for what is open, then cuts it", () => {
    const lab = startAll();
    const tunnel = openTunnel(lab);
    lab.runtime.deliver({ kind: "stop", afterMs: 1_000 });
    lab.runtime.settle();
    const late = lab.connect("api");
    lab.runtime.advance(500);
    expect([tunnel.state, late.state, lab.posted("stopped").length]).toEqual(["open", "reset", 0]);
    lab.runtime.advance(1_000);
    expect([tunnel.state, lab.posted("stopped").length]).toEqual(["reset", 1]);
  });
});
