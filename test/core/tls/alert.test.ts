import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { connect } from "node:tls";
import { type TlsAlert, tlsAlert } from "../../../src/core/tls/alert.ts";

/** Numbers of the IANA registry "TLS Alerts". */
const ALERTS: readonly { readonly alert: TlsAlert; readonly number: number }[] = [
  { alert: "handshake_failure", number: 40 },
  { alert: "access_denied", number: 49 },
  { alert: "decode_error", number: 50 },
  { alert: "protocol_version", number: 70 },
  { alert: "internal_error", number: 80 },
  { alert: "unrecognized_name", number: 112 },
];

/** What a real TLS client says when the first answer is these bytes. */
async function clientError(answer: Uint8Array): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(answer));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const message = await new Promise<string>((say) => {
    const client = connect({ host: "127.0.0.1", port, servername: "api.hub.example" });
    client.on("error", (error) => say(String(error)));
    client.on("close", () => say("closed without an error"));
  });
  server.close();
  return message;
}

describe("tlsAlert()", () => {
  test.each(ALERTS)("writes a fatal $alert in one record", ({ alert, number }) => {
    expect([...tlsAlert(alert)]).toEqual([0x15, 3, 3, 0, 2, 2, number]);
  });

  test.each(ALERTS)("lets a TLS client name $alert", async ({ alert }) => {
    expect((await clientError(tlsAlert(alert))).toLowerCase().replaceAll(" ", "_")).toContain(alert);
  });
});
