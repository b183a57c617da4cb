/**
 * A hypervisor with a bridge, machines that boot and lose their power on it, and a client beside them: 192.168.125.0/24 in networks of their own, with
 * the ports that clusters really have. Linux, as root.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.ts";
import { program } from "./programs.ts";
import type { ToyNode, ToyNodeSpec } from "./toy/node.ts";
import { spawnToyNode } from "./toy/process.ts";

export const BRIDGE_IP = "192.168.125.1";
const CLIENT_IP = "192.168.125.200";
/** A machine that is no node. It is always there: with the first address of an interface the others would go too. */
const OTHER_IP = "192.168.125.254";
export const REAL_PORTS = { api: 6_443, https: 443, http: 80, ready: 1_936 } as const;

let made = 0;

export class MachineNetwork {
  /** Put before a command line, it runs on the hypervisor, whose /run is its own. */
  readonly hypervisor: readonly string[];
  /** Put before a command line, it runs where the bridge's address is the name server. */
  readonly client: readonly string[];
  private readonly names: Readonly<Record<"hypervisor" | "machines" | "client", string>>;
  private readonly folder = mkdtempSync(join(tmpdir(), "edge-lb-machines-"));

  private constructor() {
    made += 1;
    const id = `${process.pid % 100_000}x${made}`;
    this.names = { hypervisor: `edge-lb-h${id}`, machines: `edge-lb-m${id}`, client: `edge-lb-c${id}` };
    const resolver = join(this.folder, "resolv.conf");
    writeFileSync(resolver, `nameserver ${BRIDGE_IP}\noptions timeout:2 attempts:2\n`);
    // `ip netns exec` makes a mount namespace too, so what is mounted is seen there alone
    const inside = (name: string, mount: string): readonly string[] => [
      program("ip"),
      "netns",
      "exec",
      name,
      "sh",
      "-c",
      `${mount} && exec "$@"`,
      resolver,
    ];
    this.hypervisor = inside(this.names.hypervisor, "mount -t tmpfs tmpfs /run");
    this.client = inside(this.names.client, 'mount --bind "$0" /etc/resolv.conf');
  }

  static open(): MachineNetwork {
    const network = new MachineNetwork();
    try {
      network.connect();
    } catch (error) {
      network.close();
      throw error;
    }
    return network;
  }

  private connect(): void {
    const { hypervisor, machines, client } = this.names;
    for (const name of Object.values(this.names)) {
      ip("netns", "add", name);
      ip("-netns", name, "link", "set", "lo", "up");
    }
    ip("-netns", hypervisor, "link", "add", "br0", "type", "bridge");
    for (const [name, port] of [
      [machines, "vnet0"],
      [client, "vnet1"],
    ] as const) {
      ip("-netns", hypervisor, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name);
      ip("-netns", hypervisor, "link", "set", port, "master", "br0", "up");
      ip("-netns", name, "link", "set", "eth0", "up");
    }
    ip("-netns", hypervisor, "address", "add", `${BRIDGE_IP}/24`, "dev", "br0");
    ip("-netns", hypervisor, "link", "set", "br0", "up");
    ip("-netns", client, "address", "add", `${CLIENT_IP}/24`, "dev", "eth0");
    ip("-netns", machines, "address", "add", `${OTHER_IP}/24`, "dev", "eth0");
  }

  /** Before this the address is silent; the machine's own kernel then refuses until its services are there. */
  async boot(spec: ToyNodeSpec): Promise<ToyNode> {
    ip("-netns", this.names.machines, "address", "add", `${spec.ip}/24`, "dev", "eth0");
    // every machine asks its gateway for something when it boots
    await command([...this.machines, "dig", "+time=1", "+tries=1", "-b", spec.ip, `@${BRIDGE_IP}`, "boot.example"]);
    return spawnToyNode(spec, this.machines);
  }

  /** Nothing of it is heard any more: no FIN, no RST. */
  async powerOff(node: ToyNode): Promise<void> {
    ip("-netns", this.names.machines, "address", "delete", `${node.ip}/24`, "dev", "eth0");
    await node.kill();
  }

  /** A file to run that is the program, started by the client. */
  clientProgram(name: string): string {
    const file = join(this.folder, name);
    const words = [...this.client, program(name)].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    writeFileSync(file, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
    return file;
  }

  /** Goes away with the network. */
  file(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  close(): void {
    for (const name of Object.values(this.names)) spawnSync(program("ip"), ["netns", "delete", name]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get machines(): readonly string[] {
    return [program("ip"), "netns", "exec", this.names.machines];
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program("ip"), args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${args.join(" ")}: ${stderr.trim()}`);
}
