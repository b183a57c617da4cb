import { describe, expect, test } from "bun:test";
import type { Outcome, ProxyUnderTest, Script } from "../../../scripts/fuzz/corpus/case.ts";
import { runCase } from "../../../scripts/fuzz/corpus/case.ts";
import { REQUESTS } from "../../../scripts/fuzz/corpus/requests.ts";
import { RESPONSES } from "../../../scripts/fuzz/corpus/responses.ts";
import { CLIENT_IP, Lab, PORT } from "../../../scripts/fuzz/session-lab.ts";

/** The session without sockets as the proxy under test. @param cut How the client's bytes are cut into chunks. */
function sessionProxy(cut: (text: string) => readonly string[]): ProxyUnderTest {
  return { clientIp: CLIENT_IP, port: PORT, play: (script) => play(new Lab(), script, cut) };
}

function play(lab: Lab, script: Script, cut: (text: string) => readonly string[]): Outcome {
  let answered = 0;
  const received = (): string => lab.nodes.map((node) => node.received).join("");
  const answer = (): void => {
    for (; answered < script.answers.length; answered++) {
      const due = script.node.slice(0, answered + 1).join("").length;
      const one = script.answers[answered];
      if (one === undefined || received().length < due || lab.nodes.at(-1)?.state !== "open") return;
      for (const piece of cut(one.bytes)) lab.answer(piece);
      if (one.end !== undefined) lab.answerEnd(one.end === "fin" ? "node closed" : "node reset");
    }
  };
  for (const part of script.send) {
    for (const piece of cut(part)) lab.send(piece);
    answer();
  }
  if (script.finish) lab.sendEnd();
  answer();
  const end = lab.clientState === "finished" ? "closed" : lab.clientState === "destroyed" ? "reset" : "open";
  return { node: received(), client: lab.received, end };
}

const whole = sessionProxy((text) => (text === "" ? [] : [text]));
const bytewise = sessionProxy((text) => text.split(""));

describe("requests of the corpus", () => {
  test("are at least 300, each named once", () => {
    expect(REQUESTS.length).toBeGreaterThanOrEqual(300);
    expect(new Set(REQUESTS.map(({ name }) => name)).size).toBe(REQUESTS.length);
  });
  test.each(REQUESTS.map((one) => [`${one.name} (${one.source})`, one] as const))("%s", async (_, one) => {
    expect(await runCase(whole, one)).toEqual([]);
    // what is refused in a body has let the bytes before it through when they came earlier
    const mayLeak = typeof one.client !== "string" && one.client.after === undefined && isBody(one.send);
    const wrong = await runCase(bytewise, one);
    expect(mayLeak ? wrong.filter((text) => !text.startsWith("the node saw")) : wrong).toEqual([]);
  });
});

describe("responses of the corpus", () => {
  test("are at least 150, each named once", () => {
    expect(RESPONSES.length).toBeGreaterThanOrEqual(150);
    expect(new Set(RESPONSES.map(({ name }) => name)).size).toBe(RESPONSES.length);
  });
  test.each(RESPONSES.map((one) => [`${one.name} (${one.source})`, one] as const))("%s", async (_, one) => {
    expect(await runCase(whole, one)).toEqual([]);
    // a body that turns bad after its head went out can only be cut
    const begun = one.answers?.some(({ bytes }) => bytes.includes("chunked\r\n\r\n")) === true;
    if (typeof one.client === "string" || !begun) expect(await runCase(bytewise, one)).toEqual([]);
  });
});

/** Does anything follow the first head? */
function isBody(send: string | readonly string[]): boolean {
  const text = typeof send === "string" ? send : send.join("");
  const head = text.indexOf("\r\n\r\n");
  return head >= 0 && head + 4 < text.length;
}
