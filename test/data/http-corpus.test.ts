/** The corpus through the whole service on the runtime in memory. */
import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../scripts/fuzz/session-lab.ts";
import { runCase, type Outcome, type ProxyUnderTest, type Script } from "../../scripts/fuzz/corpus/case.ts";
import { REQUESTS } from "../../scripts/fuzz/corpus/requests.ts";
import { RESPONSES } from "../../scripts/fuzz/corpus/responses.ts";
import { startLab } from "./service-lab.ts";

const NODE = "10.1.0.1";
const CLIENT = "10.9.9.9";

function memoryProxy(): ProxyUnderTest {
  const lab = startLab(`--cluster hub=${NODE},domain=hub.lab`);
  const node = lab.node(NODE, "http");

  function play(script: Script): Outcome {
    const from = node.peers.length;
    const client = lab.connect("http", CLIENT);
    const received = (): string =>
      node.peers
        .slice(from)
        .map((peer) => textOf(peer.received))
        .join("");
    let answered = 0;
    const answer = (): void => {
      for (; answered < script.answers.length; answered++) {
        const due = script.node.slice(0, answered + 1).join("").length;
        const one = script.answers[answered];
        const peer = node.peers.at(-1);
        if (one === undefined || peer === undefined || received().length < due) return;
        peer.send(bytesOf(one.bytes));
        // what is read before a reset depends on the moment; this one comes after
        lab.runtime.settle();
        if (one.end === "fin") peer.finish();
        if (one.end === "reset") peer.reset();
        lab.runtime.settle();
      }
    };
    for (const piece of script.send) {
      client.send(bytesOf(piece));
      lab.runtime.settle();
      answer();
    }
    if (script.finish) client.finish();
    lab.runtime.settle();
    answer();
    const end = client.state === "reset" ? "reset" : client.ended ? "closed" : "open";
    const outcome: Outcome = { node: received(), client: textOf(client.received), end };
    client.reset();
    for (const peer of node.peers.slice(from)) peer.reset();
    lab.runtime.settle();
    return outcome;
  }
  return { clientIp: CLIENT, port: 80, play };
}

describe("acceptHttp()", () => {
  test("gives every case of the corpus the bytes it shall have", async () => {
    const proxy = memoryProxy();
    const wrong: string[] = [];
    for (const one of [...REQUESTS, ...RESPONSES]) {
      const found = await runCase(proxy, one);
      if (found.length > 0) wrong.push(`${one.name} (${one.source}): ${found.join("; ")}`);
    }
    expect(wrong).toEqual([]);
  });
});
