/** edge-lb before two nodes, to be upgraded, and what a test of that needs. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Control, controlAt } from "../../scripts/lab/control.ts";
import { type EdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { startToyCluster, type ToyCluster } from "../../scripts/lab/toy/cluster.ts";

export const HOST = "a.apps.hub.lab";

export interface UpgradeLab {
  readonly edge: EdgeLb;
  readonly control: Control;
  readonly api: number;
  readonly http: number;
}

/** Started anew for each test; whoever runs last is ended with `clean`. */
export class UpgradeLabs {
  readonly folder: string;
  /** `api-port=…,https-port=…` of the nodes. */
  readonly nodePorts: string;
  private readonly block: string;
  private readonly hub: ToyCluster;
  private readonly labs: UpgradeLab[] = [];
  private started = 0;

  private constructor(block: string, folder: string, nodePorts: string, hub: ToyCluster) {
    this.block = block;
    this.folder = folder;
    this.nodePorts = nodePorts;
    this.hub = hub;
  }

  /** @param block The first three parts of its addresses */
  static async open(block: string): Promise<UpgradeLabs> {
    const folder = mkdtempSync(join(tmpdir(), "edge-lb-upgrade-"));
    chmodSync(folder, 0o755);
    const [api = 0, https = 0, http = 0, ready = 0] = await freePorts(4);
    const hub = await startToyCluster({
      name: "hub",
      domain: "hub.lab",
      ips: [`${block}.20`, `${block}.21`],
      ports: { api, https, http, ready },
    });
    const nodePorts = `api-port=${api},https-port=${https},http-port=${http},ready-port=${ready}`;
    return new UpgradeLabs(block, folder, nodePorts, hub);
  }

  start(...args: readonly string[]): Promise<UpgradeLab> {
    return this.startIn({}, ...args);
  }

  async startIn(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<UpgradeLab> {
    const [api = 0, https = 0, http = 0] = await freePorts(3);
    const path = join(this.folder, `lab-${++this.started}.sock`);
    const listen = Object.entries({ api, https, http }).flatMap(([kind, port]) => [
      "--listen",
      `${kind}=127.0.0.1:${port}`,
    ]);
    const cluster = ["--cluster", `hub=${this.block}.20-21,domain=hub.lab,${this.nodePorts}`];
    const edge = await startEdgeLb(["--workers", "2", ...listen, ...cluster, "--control", path, ...args], { env });
    const lab = { edge, api, http, control: controlAt(path) };
    this.labs.push(lab);
    await until("the nodes are up", async () => {
      const { clusters } = await lab.control.status();
      return clusters.find(({ name }) => name === "hub")?.state === "up";
    });
    return lab;
  }

  /** A program that is started in place of a new edge-lb. */
  script(name: string, text: string, mode = 0o755): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  async clean(): Promise<void> {
    for (const { edge, control } of this.labs.splice(0)) {
      const pid = existsSync(control.path) ? (await control.status()).pid : edge.pid;
      if (pid !== edge.pid) await endProcess(pid);
      else await edge.stop();
    }
  }

  async close(): Promise<void> {
    await this.hub.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function endProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  process.kill(pid, "SIGINT");
  await until(`process ${pid} ends`, () => !existsSync(`/proc/${pid}`));
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Timed out waiting until ${what}`);
    await Bun.sleep(20);
  }
}
