import { describe, expect, test } from "bun:test";
import { added, CLIENT_IP, Lab, type LabOptions } from "../../../scripts/fuzz/session-lab.ts";

const HOST = "a.apps.hub.lab";

function forwarded(fields: string, options: LabOptions = { trusted: true }, host = HOST): string {
  const lab = new Lab(options).send(`GET / HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
  return lab.node.received.slice(`GET / HTTP/1.1\r\nHost: ${host}\r\n`.length);
}

/** What a client may not say of itself; D4. */
const FORGED = [
  "Forwarded: for=6.6.6.6",
  "X-Real-IP: 6.6.6.6",
  "X-Forwarded-Prefix: /admin",
  "X-Forwarded-Scheme: https",
  "X-Forwarded-Server: router",
  "X-Forwarded-Ssl: on",
];
const ADDED = added(HOST);

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

describe("D4: forwardRequest()", () => {
  const spellings = FORGED.flatMap((field) => [
    field,
    field.toUpperCase(),
    field.replaceAll("-", "_"),
    field.replace("-", "_"),
  ]);

  test.each(spellings)("drops %j of a client that is not trusted", (field) => {
    expect(forwarded(`A: b\r\n${field}\r\nC: d\r\n`, {})).toBe(`A: b\r\nC: d\r\n${ADDED}\r\n`);
  });

  test.each(FORGED)("keeps %j of a trusted proxy", (field) => {
    expect(forwarded(`A: b\r\n${field}\r\nC: d\r\n`)).toBe(`A: b\r\n${field}\r\nC: d\r\n${ADDED}\r\n`);
  });

  test("writes Forwarded where it is asked for", () => {
    const mine = `Forwarded: for=${CLIENT_IP};host=${HOST};proto=http\r\n`;
    expect(forwarded("Forwarded: for=6.6.6.6\r\n", { forwarded: true })).toBe(`${ADDED}${mine}\r\n`);
    expect(forwarded("", { forwarded: true, trusted: true })).toBe(`${ADDED}${mine}\r\n`);
  });

  test("quotes what is no token", () => {
    const host = `${HOST}:8080`;
    const client = { ip: "2001:db8::9", localIp: "2001:db8::1", port: 80, trusted: false, forwarded: true };
    const seen = forwarded("", { route: () => ({ kind: "forward", idleMs: 0, client }) }, host);
    expect(seen).toContain(`\r\nForwarded: for="[2001:db8::9]";host="${host}";proto=http\r\n`);
  });

  test("appends to the last Forwarded of a trusted proxy", () => {
    const seen = forwarded("Forwarded: for=a\r\nForwarded: for=b;by=c\r\nX-Forwarded-For: b\r\n", {
      trusted: true,
      forwarded: true,
    });
    const mine = `for=${CLIENT_IP};host=${HOST};proto=http`;
    expect(seen).toStartWith(
      `Forwarded: for=a\r\nForwarded: for=b;by=c, ${mine}\r\nX-Forwarded-For: b, ${CLIENT_IP}\r\n`,
    );
  });
});
