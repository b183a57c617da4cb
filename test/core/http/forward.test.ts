import { describe, expect, test } from "bun:test";
import { CLIENT_IP, Lab } from "../../../scripts/fuzz/session-lab.ts";

const HOST = "a.apps.hub.lab";

function forwarded(fields: string): string {
  const lab = new Lab({ trusted: true }).send(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n${fields}\r\n`);
  return lab.node.received.slice(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n`.length);
}

describe("forwardRequest() for a trusted proxy", () => {
  test("appends the address it saw and keeps what the proxy said", () => {
    const said = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.lab\r\nX-Forwarded-Port: 443\r\n";
    expect(forwarded(`X-Forwarded-For: 1.1.1.1\r\n${said}`)).toBe(
      `X-Forwarded-For: 1.1.1.1, ${CLIENT_IP}\r\n${said}\r\n`,
    );
  });

  test("appends to the last of several X-Forwarded-For fields", () => {
    expect(forwarded("X-Forwarded-For: a\r\nB: c\r\nx-forwarded-for: b \r\nD: e\r\n")).toStartWith(
      `X-Forwarded-For: a\r\nB: c\r\nx-forwarded-for: b, ${CLIENT_IP}\r\nD: e\r\n`,
    );
  });

  test("adds what the proxy did not say", () => {
    expect(forwarded("A: b\r\n")).toBe(
      `A: b\r\nX-Forwarded-For: ${CLIENT_IP}\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ${HOST}\r\nX-Forwarded-Port: 80\r\n\r\n`,
    );
  });

  test("does not let Connection take the fields away", () => {
    expect(forwarded("X-Forwarded-Proto: https\r\nConnection: X-Forwarded-Proto\r\n")).toStartWith(
      "X-Forwarded-Proto: https\r\n",
    );
  });
});
