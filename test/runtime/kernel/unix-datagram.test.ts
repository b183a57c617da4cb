import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openUnixDatagram } from "../../../src/runtime/kernel/unix-datagram.ts";

const folder = mkdtempSync(join(tmpdir(), "edge-lb-dgram-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RECEIVE = `
import socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1].replace("@", chr(0)))
server.settimeout(5)
print("ready", flush=True)
for _ in range(2): print(server.recv(100).decode(), flush=True)
`;
import { program } from "../../../scripts/lab/programs.ts";

describe.if(process.platform === "linux")("openUnixDatagram()", () => {
  test.each([join(folder, "a.sock"), `@edge-lb-test-${process.pid}`])(
    "reaches %s, and says when nobody is there",
    async (path) => {
      const sender = openUnixDatagram();
      expect(sender?.send(path, new TextEncoder().encode("early"))).toBe(false);
      const python = spawn(program("python3"), ["-c", RECEIVE, path], { stdio: ["ignore", "pipe", "inherit"] });
      let text = "";
      const ready = new Promise<void>((resolve) => python.stdout.on("data", (chunk) => ((text += chunk), resolve())));
      await ready;
      for (const word of ["one", "two"]) expect(sender?.send(path, new TextEncoder().encode(word))).toBe(true);
      await once(python, "close");
      sender?.close();
      expect(text).toBe("ready\none\ntwo\n");
    },
  );
});
