import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../scripts/fuzz/session-lab.ts";
import { HELD_MOST } from "../../src/data/held-clients.ts";
import { hello, serverName } from "../core/tls/hello-builder.ts";
import { startLab, type Lab } from "./service-lab.ts";

const FLAGS = ["--domain lab", "--cluster hub=10.1.0.1,wake=/opt/wake", "--cluster two=10.2.0.1"];
const API = hello(serverName("api.hub.lab"));
const INTERNAL_ERROR = 80;
const ALL = ["api", "https", "http"] as const;

/** Hub's node sleeps, as health has noticed. */
function asleep(...more: readonly string[]): Lab {
  const lab = startLab(...FLAGS, ...more);
  for (const kind of ALL) lab.setHealth("10.1.0.1", kind, "dead");
  return lab;
}

function ask(lab: Lab, bytes: Uint8Array = API, from?: string) {
  const client = lab.connect("api", from);
  client.send(bytes);
  lab.runtime.settle();
  return client;
}

function get(lab: Lab, host: string, from?: string): string {
  const client = lab.connect("http", from);
  client.send(bytesOf(`GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n\r\n`));
  lab.runtime.settle();
  return textOf(client.received);
}

const wakes = (lab: Lab) => lab.posted("wake").map(({ name }) => name);

describe("acceptTls() before a cluster that sleeps", () => {
  test("holds the client, tells control, and dials the moment a node is usable", () => {
    const lab = asleep();
    const client = ask(lab);
    expect(wakes(lab)).toEqual(["api.hub.lab"]);
    lab.runtime.advance(3_000);
    expect(client.received.length).toBe(0);
    const node = lab.node("10.1.0.1", "api");
    lab.setHealth("10.1.0.1", "api", "up");
    lab.runtime.advance(100);
    expect([...(node.peers[0]?.received ?? [])]).toEqual([...API]);
    node.peers[0]?.send(new Uint8Array([7]));
    lab.runtime.settle();
    expect([...client.received]).toEqual([7]);
    expect(lab.active("cluster/hub")).toBe(1);
    client.finish();
    node.peers[0]?.finish();
    lab.runtime.settle();
    expect(lab.records()[0]).toMatchObject({ cluster: "hub", note: "held while its cluster wakes" });
  });

  test("gives the alert once --timeout wake is over", () => {
    const lab = asleep("--timeout wake=5s");
    const client = ask(lab);
    lab.runtime.advance(4_900);
    expect(client.received.length).toBe(0);
    lab.runtime.advance(200);
    expect(client.received[6]).toBe(INTERNAL_ERROR);
    expect(lab.records()[0]).toMatchObject({
      end: "node down",
      note: "held while its cluster wakes, no usable node in time",
    });
    expect(lab.active("cluster/hub")).toBe(0);
  });

  test("holds the client whose dial failed before health noticed, and tells control when it has", () => {
    const lab = startLab(...FLAGS);
    const client = ask(lab); // nobody listens at the node
    lab.runtime.advance(200);
    expect(client.received.length).toBe(0);
    for (const kind of ALL) lab.setHealth("10.1.0.1", kind, "dead");
    lab.runtime.advance(1_000);
    expect(wakes(lab)).toEqual(["api.hub.lab"]);
    lab.node("10.1.0.1", "api");
    lab.setHealth("10.1.0.1", "api", "up");
    lab.runtime.advance(100);
    expect(lab.active("cluster/hub")).toBe(1);
  });

  test("dials nodes of a configuration that came meanwhile", () => {
    const lab = asleep();
    ask(lab);
    const node = lab.node("10.1.0.9", "api");
    lab.apply("--domain lab", "--cluster hub=10.1.0.9,wake=/opt/wake");
    lab.runtime.advance(100);
    expect(node.peers.length).toBe(1);
  });

  test("holds so many clients of one cluster and no more, and a place is free again when one leaves", () => {
    const lab = asleep();
    const held = Array.from({ length: HELD_MOST }, () => ask(lab));
    expect(ask(lab).received[6]).toBe(INTERNAL_ERROR);
    held[0]?.reset();
    lab.runtime.settle();
    expect(ask(lab).received.length).toBe(0);
  });

  test.each([
    ["without a name", hello(), []],
    ["with a name that nobody claims, which --default takes", hello(serverName("scan.example")), []],
    ["from an address that may not", API, ["--allow 10.5.0.0/16"]],
    ["of a cluster without wake", hello(serverName("api.two.lab")), []],
  ])("a connection %s wakes nothing and is answered at once", (_, bytes, more) => {
    const lab = asleep("--default hub", ...more);
    lab.setHealth("10.2.0.1", "api", "dead");
    const client = ask(lab, bytes);
    lab.runtime.advance(10);
    expect(client.received.length).toBe(7);
    expect(wakes(lab)).toEqual([]);
  });

  test("a cluster with a node that serves another port is awake: the alert comes at once", () => {
    const lab = asleep();
    lab.setHealth("10.1.0.1", "https", "up");
    const client = ask(lab);
    lab.runtime.advance(10);
    expect(client.received[6]).toBe(INTERNAL_ERROR);
    expect(wakes(lab)).toEqual([]);
  });

  test("while it wakes, the pool that is late is waited for", () => {
    const lab = asleep();
    lab.setHealth("10.1.0.1", "https", "up");
    lab.board.waking[lab.cell("cluster/hub")] = 1;
    const client = ask(lab);
    lab.runtime.advance(5_000);
    expect(client.received.length).toBe(0);
  });
});

describe("acceptHttp() before a cluster that sleeps", () => {
  test.each([
    ["a page that asks again", []],
    ["the page and no redirect, which would lead to a connection that only waits", [",redirect-https=on"]],
  ])("answers with %s", (_, keys) => {
    const lab = startLab("--domain lab", `--cluster hub=10.1.0.1,wake=/opt/wake${keys.join("")}`);
    for (const kind of ALL) lab.setHealth("10.1.0.1", kind, "dead");
    const text = get(lab, "a.apps.hub.lab");
    expect(text).toStartWith("HTTP/1.1 503 ");
    expect(text).toContain("\r\nRetry-After: 5\r\nRefresh: 5\r\n");
    expect(text).toContain("hub is waking up");
    expect(wakes(lab)).toEqual(["a.apps.hub.lab"]);
  });

  test("does so after a dial that failed, where nothing is known of the cluster yet", () => {
    const lab = startLab(...FLAGS);
    expect(get(lab, "a.apps.hub.lab")).toContain("hub is waking up");
    expect(wakes(lab)).toEqual(["a.apps.hub.lab"]);
  });

  test.each([
    ["without a name of it", "10.0.0.1", undefined],
    ["from an address that may not", "a.apps.hub.lab", "10.6.0.1"],
  ])("a request %s wakes nothing", (_, host, from) => {
    const lab = asleep("--default hub", "--allow 10.9.0.0/16");
    expect(get(lab, host, from)).not.toContain("waking up");
    expect(wakes(lab)).toEqual([]);
  });
});
