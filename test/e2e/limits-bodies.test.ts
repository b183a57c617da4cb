/** A3: clients that owe bytes of a body. They are ended in time, and leave room for others meanwhile. */
import { describe, expect, test } from "bun:test";
import net from "node:net";
import { type Door, visit } from "../../scripts/lab/crowd.ts";
import { SMALL_CLUSTERS, startSmallLab, until } from "../../scripts/lab/small-lab.ts";
import { holdUpgrade } from "../support/held-upgrade.ts";

const BODY_MS = 1_500;

interface Debtor {
  readonly closed: () => boolean;
  end(): void;
}

/** Announces three bytes and sends one. */
function owe({ ip, port, host }: Door): Debtor {
  let closed = false;
  const socket = net.connect({ port, host: ip });
  socket.on("error", () => undefined);
  socket.resume();
  socket.on("close", () => (closed = true));
  socket.on("end", () => socket.end());
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\n\r\na`);
  return { closed: () => closed, end: () => socket.destroy() };
}

describe.each(["linux", "bun", "node"] as const)("A3: slow bodies on engine %s", (engine) => {
  test("are ended after http-body, and an upgraded connection does not", async () => {
    const args = ["--engine", engine, "--timeout", `http-body=${BODY_MS}ms`];
    const lab = await startSmallLab({ block: `127.74.${engine.length}`, args });
    const door = lab.door("hub", "http");
    const debtors: Debtor[] = [];
    const tunnel = holdUpgrade(door);
    try {
      await until("the tunnel stands", () => tunnel.state() === "held");
      for (let at = 0; at < 20; at++) debtors.push(owe(door));
      await until("all are ended", () => debtors.every(({ closed }) => closed()));
      await lab.edge.logged(/body timeout/);
      expect((await lab.control.status()).connections).toMatchObject({ open: 1, timedOut: 20, faults: 0 });
      expect(await tunnel.echo("still here")).toBe(true);
      expect(await visit(door)).toMatchObject({ cluster: "hub" });
    } finally {
      for (const one of debtors) one.end();
      tunnel.close();
      await lab.stop();
    }
  }, 30_000);

  test("leave every other service its share of max-connections", async () => {
    const args = ["--engine", engine, "--max-connections", "24"];
    const lab = await startSmallLab({ block: `127.75.${engine.length}`, args });
    const debtors = Array.from({ length: 60 }, () => owe(lab.door("hub", "http")));
    try {
      const refused = async () => (await lab.control.status()).connections.refused;
      await until("all are in or refused", async () => (await refused()) >= 60 - 20);
      for (const listener of ["api", "https"] as const) {
        for (const cluster of SMALL_CLUSTERS) {
          expect(await visit(lab.door(cluster, listener))).toMatchObject({ cluster, error: null });
        }
      }
      // refused ones that lingered were counted too, and left room since
      await until("http has all that it may have", async () => {
        debtors.push(owe(lab.door("hub", "http")));
        return (await visit(lab.door("hub", "http"))).error === "HTTP/1.1 503 Service Unavailable";
      });
      await lab.edge.logged(/max-connections: the rest is kept for other services/);
    } finally {
      for (const one of debtors) one.end();
      await lab.stop();
    }
  }, 30_000);
});
