/** The corpus for port 80 through sockets: every case, on every engine of the program under test. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runCase, type HttpCase } from "../../scripts/fuzz/corpus/case.ts";
import { openRawProxy, type RawProxy } from "../fixtures/http/raw-proxy.ts";
import { REQUESTS } from "../../scripts/fuzz/corpus/requests.ts";
import { RESPONSES } from "../../scripts/fuzz/corpus/responses.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";

/** What a socket cannot show as surely as the session can. */
const NOT_BY_SOCKET: Readonly<Record<string, string>> = {
  "answer: a reset in a body until the close": "a RST may overtake the bytes before it",
  "answer: a reset before the end of a length": "a RST may overtake the bytes before it",
};
const CASES = [...REQUESTS, ...RESPONSES].filter(({ name }) => !(name in NOT_BY_SOCKET));
const NODE_IP = "127.24.0.1";

const program = process.env["EDGE_LB_PROGRAM"] ?? "source";
const engines = program === "source" || program === "binary" ? ["linux", "bun", "node"] : ["node"];

describe.each(engines)("engine %s", (engine) => {
  let edge: EdgeLb;
  let proxy: RawProxy;
  beforeAll(async () => {
    const [port = 0, nodePort = 0] = await freePorts(2);
    proxy = await openRawProxy({ port, node: { ip: NODE_IP, port: nodePort } });
    const node = `hub=${NODE_IP},domain=hub.lab,http-port=${nodePort},check=off`;
    const listen = [`http=127.0.0.1:${port}`, "api=off", "https=off"].flatMap((spec) => ["--listen", spec]);
    edge = await startEdgeLb([
      "--engine",
      engine,
      "--workers",
      "1",
      "--access-log",
      "off",
      ...listen,
      "--cluster",
      node,
    ]);
  });
  afterAll(async () => {
    await edge?.stop();
    await proxy?.stop();
  });

  test("gives every case the bytes it shall have, at the node and at the client", async () => {
    const wrong: string[] = [];
    for (const one of CASES) {
      const found = await runCase(proxy, one);
      if (found.length > 0) wrong.push(`${titleOf(one)}: ${found.join("; ")}`);
    }
    expect(wrong).toEqual([]);
  }, 300_000);
});

function titleOf({ name, source }: HttpCase): string {
  return `${name} (${source})`;
}
