import { describe, expect, test } from "bun:test";
import { logTargetText, readLogTarget } from "../../../src/config/values/log-target.ts";

describe("readLogTarget()", () => {
  test.each([
    ["stderr", { kind: "stderr" }],
    ["/var/log/edge-lb.log", { kind: "file", path: "/var/log/edge-lb.log" }],
    ["edge-lb.log", { kind: "file", path: "edge-lb.log" }],
    ["syslog://127.0.0.1", { kind: "udp", host: "127.0.0.1", port: 514, facility: 3, rfc: 5424 }],
    [
      "syslog://127.0.0.1:5514?facility=local2",
      { kind: "udp", host: "127.0.0.1", port: 5514, facility: 18, rfc: 5424 },
    ],
    ["syslog://[::1]:80?rfc=3164", { kind: "udp", host: "::1", port: 80, facility: 3, rfc: 3164 }],
    ["unix:/dev/log", { kind: "unix", path: "/dev/log", facility: 3, rfc: 3164 }],
    ["unix:/dev/log?facility=local0&rfc=5424", { kind: "unix", path: "/dev/log", facility: 16, rfc: 5424 }],
  ] as const)("reads %s, and its text is read alike", (text, want) => {
    const read = readLogTarget(text);
    expect(read).toEqual({ ok: true, value: want });
    expect(readLogTarget(logTargetText(want))).toEqual({ ok: true, value: want });
  });

  test.each([
    "",
    "syslog://",
    "syslog://h/path",
    "syslog://h?facility=nope",
    "syslog://h?rfc=1",
    "syslog://h?x=1",
    "unix:log",
    "tcp://h",
  ])("refuses %p", (text) => expect(readLogTarget(text).ok).toBe(false));
});
