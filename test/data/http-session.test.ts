import { describe, expect, test } from "bun:test";
import type { MemoryPeer } from "../support/memory/wire.ts";
import { ANSWERS, countOf, totalOf } from "../../src/seam/board.ts";
import { bytesOf, textOf } from "../../scripts/fuzz/session-lab.ts";
import { startLab, type Lab } from "./service-lab.ts";
import { poolOf, withPool } from "../support/built-in.ts";

const FLAGS = ["--domain lab", "--cluster hub=10.1.0.1-3", "--cluster two=10.2.0.1"];
const HOST = "a.apps.hub.lab";
const GET = `GET /x?y HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Nodes that answer every request head with OK, and keep what they got. */
function startAll(...more: readonly string[]): Lab {
  const lab = startLab(...FLAGS, ...more);
  for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.2.0.1"]) lab.node(ip, "http");
  return lab;
}

function say(lab: Lab, peer: MemoryPeer, text: string): void {
  peer.send(bytesOf(text));
  lab.runtime.settle();
}

function ask(lab: Lab, text = GET, from?: string): MemoryPeer {
  const client = lab.connect("http", from);
  say(lab, client, text);
  return client;
}

/** A lab with one node behind hub. */
function single(...more: readonly string[]): { lab: Lab; peer: (index?: number) => MemoryPeer } {
  const lab = startLab("--domain lab", "--cluster hub=10.1.0.1", ...more);
  const node = lab.node("10.1.0.1", "http");
  return {
    lab,
    peer(index = 0) {
      const found = node.peers[index];
      if (found === undefined) throw new Error(`Connection ${index} to the node is missing`);
      return found;
    },
  };
}

describe("acceptHttp()", () => {
  test("forwards a request and its answer, counts both and logs one line", () => {
    const { lab, peer } = single();
    const client = ask(lab);
    const atNode = textOf(peer().received);
    expect(atNode).toBe(
      `GET /x?y HTTP/1.1\r\nHost: ${HOST}\r\nX-Forwarded-For: 10.9.9.9\r\nX-Forwarded-Proto: http\r\n` +
        `X-Forwarded-Host: ${HOST}\r\nX-Forwarded-Port: 80\r\n\r\n`,
    );
    say(lab, peer(), OK);
    expect(textOf(client.received)).toBe(OK);
    expect(lab.records()).toMatchObject([
      {
        listener: "http",
        name: HOST,
        cluster: "hub",
        node: "10.1.0.1:80",
        method: "GET",
        target: "/x?y",
        status: 200,
        bytesUp: atNode.length,
        bytesDown: OK.length,
        end: "done",
      },
    ]);
    for (const key of ["cluster/hub", "cluster/hub/http", "cluster/hub/http/10.1.0.1:80"]) {
      expect(lab.active(key)).toBe(1);
      expect(totalOf(lab.board, lab.cell(key), "bytesUp")).toBe(atNode.length);
      expect(totalOf(lab.board, lab.cell(key), "bytesDown")).toBe(OK.length);
    }
    client.finish();
    lab.runtime.advance(2_000);
    expect(lab.active("cluster/hub")).toBe(0);
    expect(countOf(lab.board, "open")).toBe(0);
  });

  test("counts answers by their status on pool and endpoint (13 C5)", () => {
    const { lab, peer } = single();
    const client = ask(lab);
    say(lab, peer(), OK);
    say(lab, client, GET);
    say(lab, peer(), OK.replace("200 OK", "404 Not Found"));
    for (const key of ["cluster/hub/http", "cluster/hub/http/10.1.0.1:80"]) {
      const counted = ANSWERS.map((answer) => totalOf(lab.board, lab.cell(key), answer));
      expect([key, ...counted]).toEqual([key, 0, 1, 0, 1, 0]);
    }
  });

  test("keeps the node's connection for the client's next request, and for no other client", () => {
    const { lab, peer } = single();
    const client = ask(lab);
    say(lab, peer(), OK);
    say(lab, client, GET);
    say(lab, peer(), OK);
    expect(textOf(client.received)).toBe(OK + OK);
    expect(totalOf(lab.board, lab.cell("cluster/hub"), "connections")).toBe(1);
    ask(lab, GET, "10.9.9.8");
    expect(totalOf(lab.board, lab.cell("cluster/hub"), "connections")).toBe(2);
  });

  test("serves two clusters on one client connection", () => {
    const lab = startLab(...FLAGS);
    const [hub, two] = [lab.node("10.1.0.1", "http"), lab.node("10.2.0.1", "http")];
    lab.setHealth("10.1.0.1", "http", "up");
    const client = ask(lab, GET + GET.replace(HOST, "b.apps.two.lab"));
    expect([hub.peers.length, two.peers.length]).toEqual([1, 0]);
    hub.peers[0]?.send(bytesOf(OK));
    lab.runtime.settle();
    two.peers[0]?.send(bytesOf(OK.replace("ok", "22")));
    lab.runtime.settle();
    expect(textOf(client.received)).toBe(OK + OK.replace("ok", "22"));
    expect(lab.records().map(({ cluster }) => cluster)).toEqual(["hub", "two"]);
    expect([lab.active("cluster/hub"), lab.active("cluster/two")]).toEqual([0, 1]);
  });

  test("sends one host to one node, and another host where its hash says", () => {
    const lab = startAll();
    const nodes = new Set<string>();
    for (let i = 0; i < 20; i++) {
      for (const from of ["10.9.0.1", "10.9.0.2"]) ask(lab, GET.replace("a.", `app${i}.`), from);
    }
    for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3"]) {
      const active = lab.active(`cluster/hub/http/${ip}:80`);
      expect(active % 2).toBe(0);
      if (active > 0) nodes.add(ip);
    }
    expect(nodes.size).toBe(3);
  });

  test("goes to the next node when one refuses, without the client noticing", () => {
    const lab = startLab(...FLAGS);
    const node = lab.node("10.1.0.3", "http");
    const client = ask(lab);
    node.peers[0]?.send(bytesOf(OK));
    lab.runtime.settle();
    expect(textOf(client.received)).toBe(OK);
    expect(textOf(node.peers[0]?.received ?? new Uint8Array(0))).toStartWith("GET /x?y HTTP/1.1\r\n");
    expect(lab.active("cluster/hub/http/10.1.0.1:80")).toBe(0);
  });

  test("says which cluster is down, since when and why, and never an address", () => {
    const lab = startLab(...FLAGS);
    lab.board.health[lab.cell("cluster/hub/http")] = 3;
    lab.board.since[lab.cell("cluster/hub/http")] = Date.UTC(2026, 10, 23, 10, 2);
    lab.board.reason[lab.cell("cluster/hub/http")] = 8;
    const text = textOf(ask(lab).received);
    expect(text).toStartWith("HTTP/1.1 503 Service Unavailable\r\n");
    expect(text).toContain("\r\nRetry-After: ");
    expect(text).toContain(
      "Cluster hub is down for HTTP since 2026-11-23 10:02 UTC: all 3 nodes dead, connection refused.",
    );
    expect(text).not.toContain("10.1.0.");
    expect(text).not.toContain("two");
    expect(totalOf(lab.board, lab.cell("cluster/hub/http"), "5xx")).toBe(1);
    expect(lab.records()).toMatchObject([{ status: 503, end: "node down", cluster: "hub", node: null }]);
  });

  test("never sends a request to a dead, drained or foreign node", () => {
    for (const state of ["dead", "drained", "foreign"] as const) {
      const lab = startAll();
      for (const ip of ["10.1.0.1", "10.1.0.2", "10.1.0.3"]) lab.setHealth(ip, "http", state);
      expect(textOf(ask(lab).received)).toStartWith("HTTP/1.1 503 ");
      expect(lab.active("cluster/hub")).toBe(0);
    }
  });

  test.each(["192.0.2.1", "[2001:db8::1]:80"])("takes the address %s as Host for no name (13 C6)", (host) => {
    const hello = GET.replace(HOST, host);
    const lab = startLab(...FLAGS, "--default hub");
    const node = lab.node("10.1.0.1", "http");
    ask(lab, hello);
    expect(node.peers.length).toBe(1);
    expect(textOf(ask(startAll(), hello).received)).toStartWith("HTTP/1.1 404 ");
  });

  test("tells an unknown host so, and control which one", () => {
    const lab = startAll();
    const text = textOf(ask(lab, "GET / HTTP/1.1\r\nHost: a.apps.hbu.lab\r\nAccept: text/html\r\n\r\n").received);
    expect(text).toStartWith("HTTP/1.1 404 Not Found\r\n");
    expect(text).toContain("a.apps.hbu.lab");
    expect(text).not.toContain("apps.hub.lab");
    expect(lab.posted("unknown-name")).toMatchObject([{ listener: "http", name: "a.apps.hbu.lab" }]);
    expect(lab.records()).toMatchObject([{ end: "unknown name", status: 404 }]);
    expect(countOf(lab.board, "unknownName")).toBe(1);
  });

  test("sends a request without host to the default cluster", () => {
    const { lab, peer } = single("--default hub");
    ask(lab, "GET / HTTP/1.0\r\n\r\n");
    expect(textOf(peer().received)).toStartWith("GET / HTTP/1.1\r\nHost: 10.0.0.1\r\nX-Forwarded-For: ");
  });

  test("asks both lists of `allow`", () => {
    const lab = startLab("--domain lab", "--allow 10.0.0.0/8", "--cluster hub=10.1.0.1,allow=10.9.0.0/16");
    lab.node("10.1.0.1", "http");
    expect(textOf(ask(lab, GET, "10.9.0.1").received)).toBe("");
    for (const from of ["10.8.0.1", "192.168.0.1"]) {
      expect(textOf(ask(lab, GET, from).received)).toStartWith("HTTP/1.1 403 Forbidden\r\n");
    }
    expect(lab.active("cluster/hub")).toBe(1);
  });

  test("keeps the limits with 503", () => {
    const lab = startAll("--max-connections-per-client 1");
    ask(lab);
    const text = textOf(ask(lab).received);
    expect(text).toStartWith("HTTP/1.1 503 ");
    const full = startLab("--domain lab", "--cluster hub=10.1.0.1,max-connections=1");
    full.node("10.1.0.1", "http");
    ask(full);
    expect(textOf(ask(full).received)).toContain("max-connections");
  });

  test("redirects to the port that https is listened to", () => {
    const lab = startLab("--domain lab", "--listen https=:8443", "--cluster hub=10.1.0.1,redirect-https=on");
    const client = lab.connect("http");
    client.send(new TextEncoder().encode("GET /a HTTP/1.1\r\nHost: x.apps.hub.lab:8080\r\n\r\n"));
    lab.runtime.settle();
    expect(new TextDecoder().decode(client.received)).toContain("\r\nLocation: https://x.apps.hub.lab:8443/a\r\n");
  });

  test("keeps the limits of --limit", () => {
    const lab = startLab("--domain lab", "--limit http-fields=8", "--limit http-line=256", "--cluster hub=10.1.0.1");
    const answer = (head: string): string => {
      const client = lab.connect("http");
      client.send(new TextEncoder().encode(head));
      lab.runtime.settle();
      return new TextDecoder().decode(client.received).slice(9, 12);
    };
    expect(answer(`GET /${"a".repeat(300)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe("414");
    expect(answer(`GET / HTTP/1.1\r\nHost: a\r\n${"A: b\r\n".repeat(8)}\r\n`)).toBe("431");
  });

  test("redirects to https where the cluster says so, but for WebSocket and ACME", () => {
    const lab = startLab("--domain lab", "--cluster hub=10.1.0.1,redirect-https=on");
    const node = lab.node("10.1.0.1", "http");
    const moved = textOf(ask(lab).received);
    expect(moved).toStartWith("HTTP/1.1 301 Moved Permanently\r\n");
    expect(moved).toContain(`\r\nLocation: https://${HOST}/x?y\r\n`);
    const post = textOf(ask(lab, GET.replace("GET", "POST").replace(HOST, `${HOST}:80`)).received);
    expect(post).toStartWith("HTTP/1.1 308 Permanent Redirect\r\n");
    expect(post).toContain(`\r\nLocation: https://${HOST}/x?y\r\n`);
    expect(node.peers.length).toBe(0);
    ask(lab, GET.replace("/x?y", "/.well-known/acme-challenge/token"));
    ask(lab, GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    expect(node.peers.length).toBe(2);
  });

  test("believes X-Forwarded fields of trusted proxies only", () => {
    const { lab, peer } = single("--trusted-proxies 10.9.0.0/16");
    const forged = GET.replace("\r\n\r\n", "\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n");
    ask(lab, forged, "10.9.0.1");
    expect(textOf(peer(0).received)).toContain("X-Forwarded-For: 1.1.1.1, 10.9.0.1\r\n");
    ask(lab, forged, "10.8.0.1");
    expect(textOf(peer(1).received)).toContain("X-Forwarded-For: 10.8.0.1\r\n");
    expect(textOf(peer(1).received)).not.toContain("1.1.1.1");
  });

  test("tells a node that wants it who the client is, once per connection", () => {
    const { lab, peer } = single();
    const snapshot = lab.snapshot();
    const [hub] = snapshot.clusters;
    const pool = poolOf(hub, "http");
    if (hub === undefined || pool === undefined) throw new Error("no hub");
    const plan = withPool(hub, "http", { ...pool, sendProxy: 1 });
    lab.runtime.deliver({ kind: "snapshot", snapshot: { ...snapshot, version: 9, clusters: [plan] } });
    lab.runtime.settle();
    const client = ask(lab);
    say(lab, peer(), OK);
    say(lab, client, GET);
    const received = textOf(peer().received);
    expect(received).toMatch(/^PROXY TCP4 10\.9\.9\.9 10\.0\.0\.1 \d+ 80\r\nGET /);
    expect(received.match(/PROXY/g)).toHaveLength(1);
    expect(received.match(/GET/g)).toHaveLength(2);
  });

  test("moves a body of 4 MB both ways whatever the reader's pace", () => {
    const { lab, peer } = single();
    const size = 4_000_000;
    const body = "0123456789abcdef".repeat(size / 16);
    const client = ask(lab, `PUT / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${size}\r\n\r\n`);
    say(lab, client, body);
    expect(peer().received.length).toBeGreaterThan(size);
    client.stopReading();
    say(lab, peer(), `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body.slice(0, 1_000_000)}`);
    for (let at = 1_000_000; at < size; at += 1_000_000) say(lab, peer(), body.slice(at, at + 1_000_000));
    expect(peer().taken).toBeLessThan(600_000);
    client.startReading();
    lab.runtime.settle();
    expect(textOf(client.received).slice(-size)).toBe(body);
    say(lab, client, GET);
    say(lab, peer(), OK);
    expect(textOf(client.received).slice(-OK.length)).toBe(OK);
    expect(lab.records().map(({ end }) => end)).toEqual(["done", "done"]);
    expect(totalOf(lab.board, lab.cell("cluster/hub"), "bytesDown")).toBeGreaterThan(size);
  }, 60_000);

  test("joins both connections after 101, and logs and counts the tunnel", () => {
    const { lab, peer } = single();
    const client = ask(lab, GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly"));
    say(lab, peer(), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
    expect(textOf(client.received)).toEndWith("\r\n\r\nhello");
    say(lab, client, "later");
    expect(textOf(peer().received)).toEndWith("\r\n\r\nearlylater");
    expect(lab.active("cluster/hub/http")).toBe(1);
    expect(lab.records()).toEqual([]);
    client.finish();
    peer().finish();
    lab.runtime.settle();
    expect(totalOf(lab.board, lab.cell("cluster/hub/http"), "1xx")).toBe(1);
    expect(lab.records()).toMatchObject([{ status: 101, cluster: "hub", node: "10.1.0.1:80", target: "/x?y" }]);
    expect([lab.active("cluster/hub/http"), countOf(lab.board, "open")]).toEqual([0, 0]);
  });

  test("ends a tunnel when control cuts it", () => {
    const { lab, peer } = single();
    const client = ask(lab, GET.replace("\r\n\r\n", "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    say(lab, peer(), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    lab.runtime.deliver({ kind: "cut", cell: lab.cell("cluster/hub"), afterMs: 0, reason: "node down" });
    lab.runtime.settle();
    expect(client.state).toBe("reset");
    expect(lab.records()).toMatchObject([{ end: "cut: node down" }]);
  });

  test("answers 503 to who waits for a node that goes, and spares who is between requests", () => {
    const { lab, peer } = single();
    const waiting = ask(lab);
    const idle = ask(lab, GET, "10.9.9.8");
    say(lab, peer(1), OK);
    lab.runtime.deliver({ kind: "cut", cell: lab.cell("cluster/hub"), afterMs: 0, reason: "node down" });
    lab.runtime.settle();
    expect(textOf(waiting.received)).toStartWith("HTTP/1.1 503 ");
    expect(idle.ended).toBe(false);
    expect(lab.active("cluster/hub")).toBe(0);
    say(lab, idle, GET);
    say(lab, peer(2), OK);
    expect(textOf(idle.received)).toBe(OK + OK);
  });

  test("dials anew when the node closed the idle connection, or is dead by now", () => {
    const { lab, peer } = single();
    const client = ask(lab);
    say(lab, peer(0), OK);
    peer(0).finish();
    lab.runtime.settle();
    expect(lab.active("cluster/hub")).toBe(0);
    say(lab, client, GET);
    say(lab, peer(1), OK);
    peer(1).reset();
    say(lab, client, GET);
    say(lab, peer(2), OK);
    expect(textOf(client.received)).toBe(OK + OK + OK);
    lab.setHealth("10.1.0.1", "http", "dead");
    say(lab, client, GET);
    expect(textOf(client.received)).toContain("HTTP/1.1 503 ");
  });

  test("routes every request by the snapshot of its moment", () => {
    const lab = startAll();
    const client = ask(lab, GET.replace(HOST, "b.apps.two.lab"));
    const before = lab.snapshot().version;
    lab.apply("--domain lab", "--cluster hub=10.1.0.1-3");
    expect(lab.posted("applied").at(-1)).toMatchObject({ version: before + 1, oldest: before });
    lab.runtime.deliver({ kind: "cut", cell: lab.cell("cluster/two"), afterMs: 0, reason: "removed" });
    lab.runtime.settle();
    expect(textOf(client.received)).toStartWith("HTTP/1.1 503 ");
    expect(lab.posted("applied").at(-1)).toMatchObject({ version: before + 1, oldest: before + 1 });
    expect(textOf(ask(lab, GET.replace(HOST, "b.apps.two.lab")).received)).toStartWith("HTTP/1.1 404 ");
  });

  test("answers 408 to a slow head and closes idle connections without a word", () => {
    const { lab, peer } = single();
    const [silent, slow] = [lab.connect("http"), ask(lab, "GET / HT")];
    const idle = ask(lab, GET, "10.9.9.8");
    say(lab, peer(), OK);
    lab.runtime.advance(9_900);
    expect([silent.ended, slow.ended]).toEqual([false, false]);
    lab.runtime.advance(200);
    expect([silent.ended, silent.received.length]).toEqual([true, 0]);
    expect(textOf(slow.received)).toStartWith("HTTP/1.1 408 ");
    lab.runtime.advance(49_800);
    expect(idle.ended).toBe(false);
    lab.runtime.advance(200);
    expect([idle.ended, textOf(idle.received)]).toEqual([true, OK]);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("ends requests on which nothing moves after ingress-idle", () => {
    const { lab, peer } = single("--timeout ingress-idle=30s");
    const [waiting, half] = [ask(lab), ask(lab, GET, "10.9.9.8")];
    say(lab, peer(1), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nb");
    lab.runtime.advance(29_000);
    expect([waiting.ended, half.ended]).toEqual([false, false]);
    lab.runtime.advance(2_000);
    expect(textOf(waiting.received)).toStartWith("HTTP/1.1 504 ");
    expect(half.ended).toBe(true);
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("delivers its page to a client that goes on sending", () => {
    const { lab } = single();
    const client = lab.connect("http");
    say(lab, client, `POST / HTTP/1.1\r\nHost: no.lab\r\nContent-Length: 1000000\r\n\r\n`);
    for (let i = 0; i < 10; i++) say(lab, client, "x".repeat(100_000));
    expect(client.state).toBe("open");
    expect(textOf(client.received)).toStartWith("HTTP/1.1 404 ");
    lab.runtime.advance(2_000);
    expect(countOf(lab.board, "open")).toBe(0);
  });

  test("resets a kept connection of a client that is gone, so that no port waits, and answers the node's FIN with one", () => {
    const { lab, peer } = single();
    const [gone, stays] = [ask(lab), ask(lab, GET, "10.9.9.8")];
    for (const at of [0, 1]) say(lab, peer(at), OK);
    gone.finish();
    peer(1).finish();
    lab.runtime.settle();
    expect([peer(0).state, peer(1).state, stays.ended]).toEqual(["reset", "closed", false]);
  });

  test("gives everything back when the client is gone, whatever it was at", () => {
    for (const until of ["head", "dialing", "waiting", "body", "idle"] as const) {
      const { lab, peer } = single();
      if (until === "dialing") lab.runtime.fail({ ip: "10.1.0.1", port: 80 }, "timeout");
      const client = ask(lab, until === "head" ? "GET /" : GET);
      if (until === "body") say(lab, peer(), "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nb");
      if (until === "idle") say(lab, peer(), OK);
      client.reset();
      lab.runtime.settle();
      lab.runtime.advance(2_000);
      expect([until, lab.active("cluster/hub"), countOf(lab.board, "open")]).toEqual([until, 0, 0]);
      lab.apply("--domain lab", "--cluster hub=10.1.0.1");
      expect(lab.posted("applied").at(-1)).toMatchObject({ version: 2, oldest: 2 });
    }
  });

  test("logs what was answered without a route as it was, not as the request before it", () => {
    const { lab, peer } = single();
    const client = ask(lab);
    say(lab, peer(), OK);
    lab.runtime.advance(5_000);
    say(lab, client, `OPTIONS * HTTP/1.1\r\nHost: ${HOST}\r\nMax-Forwards: 0\r\n\r\n`);
    expect(lab.records().at(-1)).toMatchObject({ method: "OPTIONS", target: "-", status: 200, totalMs: 0 });
  });

  test("lets a worker that stops finish requests, and closes idle connections at once", () => {
    const { lab, peer } = single();
    const busy = ask(lab);
    const idle = ask(lab, GET, "10.9.9.8");
    say(lab, peer(1), OK);
    lab.runtime.deliver({ kind: "stop", afterMs: 30_000 });
    lab.runtime.settle();
    expect([busy.ended, idle.ended]).toEqual([false, true]);
    say(lab, peer(0), OK);
    expect(textOf(busy.received)).toContain("Connection: close");
    busy.finish();
    idle.finish();
    lab.runtime.advance(3_000);
    expect(lab.posted("stopped")).toHaveLength(1);
  });
});
