/**
 * The lab of the README: a hypervisor in a network of its own, 192.168.125.1 towards its VMs and 203.0.113.10 towards the world, and three toy
 * clusters behind it. Linux, as root.
 */
import { spawnSync } from "node:child_process";
import { program } from "./programs.ts";
import { startToyCluster, type ToyCluster } from "./toy/cluster.ts";

export const PUBLIC_IP = "203.0.113.10";
export const CLUSTERS = [
  { name: "hub", domain: "hub-cluster.linuxera.lab", first: 20 },
  { name: "managed1", domain: "managed1.linuxera.lab", first: 30 },
  { name: "managed2", domain: "managed2.linuxera.lab", first: 40 },
] as const;
const PORTS = { api: 6_443, https: 443, http: 80, ready: 1_936 } as const;
/** Three that serve the API, and three for the apps. */
const MACHINES = [0, 1, 2] as const;

let made = 0;

export class ArticleLab {
  /** Put before a command line, it runs on the hypervisor, and among the VMs. */
  readonly hypervisor: readonly string[];
  readonly vms: readonly string[];
  private readonly names: readonly [string, string];
  private nodes: Bun.Subprocess<"pipe", "pipe", "inherit"> | null = null;

  private constructor() {
    made += 1;
    const id = `${process.pid % 100_000}x${made}`;
    this.names = [`edge-lb-hv${id}`, `edge-lb-vm${id}`];
    const enter = (name: string): readonly string[] => [program("ip"), "netns", "exec", name];
    [this.hypervisor, this.vms] = [enter(this.names[0]), enter(this.names[1])];
  }

  static async open(): Promise<ArticleLab> {
    const lab = new ArticleLab();
    try {
      lab.connect();
      await lab.startNodes();
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  private connect(): void {
    const [hypervisor, vms] = this.names;
    for (const name of this.names) ip("netns", "add", name);
    ip("-netns", hypervisor, "link", "add", "br0", "type", "veth", "peer", "name", "eth0", "netns", vms);
    const nodes = CLUSTERS.flatMap(({ first }) => [...MACHINES, ...MACHINES.map((n) => n + 3)].map((n) => first + n));
    for (const last of nodes) ip("-netns", vms, "address", "add", `192.168.125.${last}/24`, "dev", "eth0");
    ip("-netns", hypervisor, "address", "add", "192.168.125.1/24", "dev", "br0");
    ip("-netns", hypervisor, "address", "add", `${PUBLIC_IP}/32`, "dev", "lo");
    for (const [name, device] of [
      [hypervisor, "lo"],
      [hypervisor, "br0"],
      [vms, "lo"],
      [vms, "eth0"],
    ] as const)
      ip("-netns", name, "link", "set", device, "up");
    ip("-netns", vms, "route", "add", "default", "via", "192.168.125.1");
  }

  /** All nodes in one process, since they share a network that this one is not in. */
  private async startNodes(): Promise<void> {
    const script = new URL(import.meta.url).pathname;
    this.nodes = Bun.spawn([...this.vms, process.execPath, script], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const { done } = await this.nodes.stdout.getReader().read();
    if (done) throw new Error("Cannot start the toy clusters: their process has ended");
  }

  async close(): Promise<void> {
    this.nodes?.stdin.end();
    await this.nodes?.exited;
    for (const name of this.names) spawnSync(program("ip"), ["netns", "delete", name]);
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program("ip"), args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot run ip ${args.join(" ")}: ${stderr.trim()}`);
}

/** Among the VMs: the clusters, until stdin ends. */
async function serve(): Promise<void> {
  const clusters: ToyCluster[] = [];
  for (const { name, domain, first } of CLUSTERS) {
    const at = (offset: number) => MACHINES.map((n) => `192.168.125.${first + offset + n}`);
    clusters.push(await startToyCluster({ name, domain, ips: at(0), ingressIps: at(3), ports: PORTS }));
  }
  console.log("ready");
  await Bun.stdin.text();
  await Promise.all(clusters.map((cluster) => cluster.stop()));
}

if (import.meta.main) await serve();
