import { afterAll, describe, expect, test } from "bun:test";
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { portHolder, serviceOf, stopLine } from "../../../src/control/machine/port-holder.ts";
import { bindError } from "../../../src/control/serve/listening.ts";

const children: ChildProcess[] = [];
afterAll(() => children.forEach((child) => child.kill()));

const inUse = Object.assign(new Error("no"), { code: "EADDRINUSE" });

/** Another process that listens there. */
async function listenElsewhere(ip: string, port: number): Promise<number> {
  const script = `require("node:net").createServer().listen(${port}, "${ip}", () => console.log("ready"))`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

async function listenHere(ip: string, port = 0): Promise<{ port: number; close(): Promise<unknown> }> {
  const server = createServer().listen(port, ip);
  await once(server, "listening");
  const at = server.address() as { port: number };
  return { port: at.port, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe.if(process.platform === "linux")("portHolder()", () => {
  test("names this process for a port it listens on, and nobody once it is closed", async () => {
    const { port, close } = await listenHere("127.0.0.1");
    expect(portHolder({ ip: "", port })).toMatchObject({ pid: process.pid });
    const error = bindError(inUse, { ip: "", port });
    expect(error.toLine()).toContain(`Cannot listen on :${port}: edge-lb itself listens there`);
    await close();
    expect(portHolder({ ip: "", port })).toBeNull();
  });

  test("names who holds that address, where others hold the port at others (13 C2)", async () => {
    const here = await listenHere("127.0.0.2");
    const { port } = here;
    const other = await listenElsewhere("127.0.0.1", port);
    expect(portHolder({ ip: "127.0.0.1", port })?.pid).toBe(other);
    expect(portHolder({ ip: "127.0.0.2", port })?.pid).toBe(process.pid);
    expect(portHolder({ ip: "127.0.0.3", port })).toBeNull();
    expect(bindError(inUse, { ip: "127.0.0.1", port }).toLine()).toContain(`(kill ${other})`);
    await here.close();
    expect(portHolder({ ip: "0.0.0.0", port })?.pid).toBe(other);
  });

  test.each([
    { held: "0.0.0.0", wanted: "127.0.0.1", isHeld: true },
    { held: "0.0.0.0", wanted: "", isHeld: true },
    { held: "0.0.0.0", wanted: "::1", isHeld: false },
    { held: "::", wanted: "127.0.0.1", isHeld: true },
    { held: "::1", wanted: "::1", isHeld: true },
    { held: "::1", wanted: "0.0.0.0", isHeld: false },
    { held: "::1", wanted: "::", isHeld: true },
    { held: "::ffff:127.0.0.1", wanted: "127.0.0.1", isHeld: true },
  ])("says of $held that it holds $wanted: $isHeld", async ({ held, wanted, isHeld }) => {
    const { port, close } = await listenHere(held);
    expect(portHolder({ ip: wanted, port })?.pid ?? null).toBe(isHeld ? process.pid : null);
    await close();
  });

  test("finds who holds a port of UDP, which has nothing to do with TCP's", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address();
    expect(portHolder({ ip: "127.0.0.1", port }, "udp")?.pid).toBe(process.pid);
    expect(portHolder({ ip: "127.0.0.1", port })).toBeNull();
    const line = bindError(inUse, { ip: "127.0.0.1", port }, "--dns", "udp").toLine();
    expect(line).toContain("choose another address with --dns");
    socket.close();
  });
});

describe("serviceOf()", () => {
  test.each([
    ["a system service", "0::/system.slice/haproxy.service\n", "haproxy.service"],
    ["an instance in a slice", "0::/system.slice/system-vpn.slice/vpn@a.service\n", "vpn@a.service"],
    ["a group of its own below a service", "0::/system.slice/k3s.service/init\n", "k3s.service"],
    ["cgroup v1", "12:cpu:/\n1:name=systemd:/system.slice/nginx.service\n0::/\n", "nginx.service"],
    ["a login", "0::/user.slice/user-0.slice/session-3.scope\n", null],
    ["a user's service", "0::/user.slice/user-7.slice/user@7.service/app.slice/web.service\n", null],
    ["a container", "0::/system.slice/docker-0123abcd.scope\n", null],
    ["no systemd", "0::/\n", null],
    ["a process that ended", "", null],
  ])("reads %s", (_, cgroup, unit) => expect(serviceOf(cgroup)).toBe(unit));
});

describe("stopLine()", () => {
  test.each([
    [{ pid: 812, command: "haproxy", unit: "haproxy.service" }, "systemctl stop haproxy.service"],
    [{ pid: 812, command: "python3", unit: null }, "kill 812"],
    [{ pid: 1, command: "systemd", unit: null }, "systemctl list-sockets"],
  ])("gives the line for %p", (holder, line) => expect(stopLine(holder)).toBe(line));
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
