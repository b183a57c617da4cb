import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { portHolder } from "../../../src/control/machine/port-holder.ts";
import { bindError } from "../../../src/control/serve/listening.ts";

describe.if(process.platform === "linux")("portHolder()", () => {
  test("names this process for a port it listens on, and nobody once it is closed", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port)),
    );
    expect(portHolder(port)).toMatchObject({ pid: process.pid });
    const error = bindError(Object.assign(new Error("no"), { code: "EADDRINUSE" }), { ip: "", port });
    expect(error.toLine()).toContain(`Cannot listen on :${port}: the port is held by`);
    expect(error.toLine()).toContain(`(pid ${process.pid})`);
    await new Promise((resolve) => server.close(resolve));
    expect(portHolder(port)).toBeNull();
  });
});

describe("bindError()", () => {
  test.each([
    [
      "EACCES",
      { ip: "", port: 443 },
      "Cannot listen on :443: permission denied (LISTEN_FAILED); run with sudo or setcap cap_net_bind_service=+ep",
    ],
    [
      "EADDRNOTAVAIL",
      { ip: "192.0.2.7", port: 80 },
      "Cannot listen on 192.0.2.7:80: this machine does not have that address (LISTEN_FAILED); see `ip address`",
    ],
    [
      "EMFILE",
      { ip: "::1", port: 80 },
      "Cannot listen on [::1]:80: no descriptor is free (LISTEN_FAILED); raise the limit of open files",
    ],
  ])("says what %s means", (code, at, line) => {
    expect(bindError(Object.assign(new Error("no"), { code }), at).toLine()).toBe(line);
  });
});
