/** Two machines that share an address, and the network of their clients: namespaces on one bridge, keepalived on both. Needs root. */
import { type Subprocess } from "bun";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "./programs.ts";

/** Where the clients' node serves. */
export const NODE_PORT = 8_080;
let made = 0;

/** One request of a client: when it began, in ms of the wall clock, and `ok` or why not. */
export interface Visit {
  readonly at: number;
  readonly outcome: string;
}

export interface Machine {
  readonly ip: string;
  /** Runs a program there until the pair is closed. */
  run(argv: readonly string[]): Subprocess<"ignore", "pipe", "pipe">;
  hasAddress(): boolean;
  /** Pulls or plugs its cable. */
  link(up: boolean): void;
}

export class Pair {
  readonly folder = mkdtempSync(join(tmpdir(), "edge-lb-pair-"));
  readonly shared: string;
  readonly clients: string;
  readonly machines: readonly [Machine, Machine];
  readonly visits: Visit[] = [];
  private readonly id: string;
  private readonly processes: Subprocess[] = [];

  constructor() {
    made += 1;
    program("ip");
    program("keepalived");
    this.id = `${process.pid % 100_000}p${made}`;
    const block = `10.${150 + (process.pid % 50)}.${(Math.floor(process.pid / 50) + made) % 250}`;
    this.shared = `${block}.5`;
    this.clients = `${block}.9`;
    try {
      this.network(block);
    } catch (error) {
      this.remove();
      throw error;
    }
    this.machines = [this.machine(0, `${block}.1`), this.machine(1, `${block}.2`)];
  }

  /** Starts keepalived on a machine. @param config As exported */
  keepalived(at: 0 | 1, config: string): void {
    const file = join(this.folder, `keepalived-${at}.conf`);
    writeFileSync(file, config);
    const pids = ["--pid", join(this.folder, `k${at}.pid`), "--vrrp_pid", join(this.folder, `v${at}.pid`)];
    this.machines[at].run([
      program("keepalived"),
      "--dont-fork",
      "--log-console",
      "--vrrp",
      "--use-file",
      file,
      ...pids,
    ]);
  }

  /** A node, and clients who ask the shared address all the time; what they met is in `visits`. */
  async crowd(seconds: number): Promise<void> {
    const script = new URL("pair-client.ts", import.meta.url).pathname;
    const argv = [process.execPath, script, this.clients, String(NODE_PORT), this.shared, String(seconds)];
    const child = this.spawn("c", argv);
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [at = "", outcome = ""] = line.split(" ");
        this.visits.push({ at: Number(at), outcome });
      }
    }
  }

  /** Who has the shared address now: 0, 1, both or nobody. */
  holders(): readonly number[] {
    return [0, 1].filter((at) => this.machines[at === 0 ? 0 : 1].hasAddress());
  }

  async close(): Promise<void> {
    for (const child of this.processes) {
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    }
    await Promise.all(this.processes.map((child) => child.exited));
    this.remove();
  }

  private network(block: string): void {
    for (const name of ["a", "b", "c"]) ip("netns", "add", this.space(name));
    const inside = (name: string, ...args: string[]): void => ip("-netns", this.space(name), ...args);
    inside("c", "link", "add", "br0", "type", "bridge");
    inside("c", "address", "add", `${block}.9/24`, "dev", "br0");
    for (const [name, last] of [
      ["a", 1],
      ["b", 2],
    ] as const) {
      inside("c", "link", "add", `to-${name}`, "type", "veth", "peer", "name", "eth0", "netns", this.space(name));
      inside("c", "link", "set", `to-${name}`, "master", "br0", "up");
      inside(name, "address", "add", `${block}.${last}/24`, "dev", "eth0");
      inside(name, "link", "set", "eth0", "up");
    }
    for (const name of ["a", "b", "c"]) inside(name, "link", "set", "lo", "up");
    inside("c", "link", "set", "br0", "up");
  }

  private machine(at: number, own: string): Machine {
    const name = at === 0 ? "a" : "b";
    return {
      ip: own,
      run: (argv) => this.spawn(name, argv),
      hasAddress: () => output("-netns", this.space(name), "-brief", "address", "show").includes(`${this.shared}/`),
      link: (up) => ip("-netns", this.space("c"), "link", "set", `to-${name}`, up ? "up" : "down"),
    };
  }

  private spawn(name: string, argv: readonly string[]): Subprocess<"ignore", "pipe", "pipe"> {
    const child = Bun.spawn([program("ip"), "netns", "exec", this.space(name), ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.processes.push(child);
    return child;
  }

  private space(name: string): string {
    return `edge-lb-${this.id}${name}`;
  }

  private remove(): void {
    for (const name of ["a", "b", "c"]) spawnSync(program("ip"), ["netns", "delete", this.space(name)]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function output(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program("ip"), args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${args.join(" ")}: ${stderr.trim()}`);
  return stdout;
}

function ip(...args: readonly string[]): void {
  output(...args);
}
