/**
 * Upgrades under load: tunnels whose every byte is checked, clients that come and go all the time, and one executable after
 * another taking over. `npm run soak -- --upgrades N` runs the long form, the tests a short one.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../../src/control/status/report.ts";
import { command } from "../../lab/command.ts";
import { controlAt, type Control } from "../../lab/control.ts";
import { edgeLbArgv, startEdgeLb, type EdgeLb } from "../../lab/edge-lb.ts";
import { otherBuild } from "../../lab/other-build.ts";
import { freePorts } from "../../lab/ports.ts";
import { descriptorsOf, residentMb } from "../../lab/processes.ts";
import { Clients, Helper, type ClientsState, type Crowd } from "./process.ts";

export interface UpgradeSoakOptions {
  readonly upgrades: number;
  readonly crowd: Crowd;
  /** Of 127.0.0.0/8; the node gets it. */
  readonly nodeIp: string;
  /** Between two upgrades. */
  readonly pauseMs: number;
  /** After the last one, until the process has its size. */
  readonly settleMs: number;
  /** Flags of edge-lb beside the soak's own. */
  readonly flags?: readonly string[];
  readonly say?: (line: string) => void;
}

/** Milliseconds: of every stream that beats its longest wait in each upgrade. */
export interface Gaps {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface UpgradeSoakReport {
  readonly tunnels: number;
  readonly upgrades: number;
  readonly bytes: number;
  readonly visits: number;
  /** What must not be, in words. */
  readonly faults: readonly string[];
  /** During upgrades, and in as many pauses between them: what the machine itself does. */
  readonly gaps: Gaps;
  readonly quietGaps: Gaps;
  /** From the command to its answer. */
  readonly upgradeMs: Gaps;
  readonly longestVisitMs: number;
  readonly descriptors: { readonly before: number; readonly after: number };
  readonly residentMb: { readonly before: number; readonly after: number };
  /** Whether each release was the one that was asked for. */
  readonly releases: readonly string[];
  readonly processesLeft: number;
}

/** Old processes end once their last session is over. */
const END_MS = 40_000;
/** A new one may take half a minute until it is ready. */
const ANSWER_MS = 60_000;

export async function runUpgradeSoak(options: UpgradeSoakOptions): Promise<UpgradeSoakReport> {
  const folder = mkdtempSync(join(tmpdir(), "edge-lb-soak-"));
  const node = new Helper<readonly number[]>("node.ts", [options.nodeIp]);
  try {
    const ports = await freePorts(3);
    const control = controlAt(join(folder, "control.sock"));
    const edge = await startEdgeLb(flagsOf(options, await node.told(), ports, control.path), { program: "binary" });
    const clients = new Clients(ports, options.crowd);
    try {
      await clients.start();
      return await new UpgradeSoak(options, folder, edge, control, clients).run();
    } finally {
      clients.stop();
      await endAll(control, edge);
    }
  } finally {
    node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function flagsOf(
  { nodeIp, flags = [] }: UpgradeSoakOptions,
  [api = 0, https = 0, http = 0]: readonly number[],
  ports: readonly number[],
  control: string,
): string[] {
  const listen = ["api", "https", "http"].flatMap((kind, i) => ["--listen", `${kind}=127.0.0.1:${ports[i]}`]);
  const nodePorts = `api-port=${api},https-port=${https},http-port=${http}`;
  const cluster = `hub=${nodeIp},domain=hub.example,names=web.hub.example,check=off,${nodePorts}`;
  const times = ["half-closed=1h", "drain=30s"].flatMap((time) => ["--timeout", time]);
  return [...listen, "--cluster", cluster, "--control", control, ...times, ...flags];
}

async function endAll(control: Control, edge: EdgeLb): Promise<void> {
  const pid = await control.status().then(
    (status) => status.pid,
    () => edge.pid,
  );
  if (pid === edge.pid) return edge.stop();
  process.kill(pid, "SIGTERM");
  process.kill(pid, "SIGINT");
  return gone(pid, END_MS).then(() => undefined);
}

/** @returns whether it was in time */
async function gone(pid: number, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (existsSync(`/proc/${pid}`)) {
    if (performance.now() > deadline) return false;
    await Bun.sleep(20);
  }
  return true;
}

class UpgradeSoak {
  private readonly options: UpgradeSoakOptions;
  private readonly folder: string;
  private readonly control: Control;
  private readonly clients: Clients;
  private readonly pids: number[];
  private readonly faults: string[] = [];
  private readonly gaps: number[] = [];
  private readonly quietGaps: number[] = [];
  private readonly upgradeMs: number[] = [];
  private readonly releases: string[] = [];
  private longestVisitMs = 0;
  private last: Status | null = null;

  constructor(options: UpgradeSoakOptions, folder: string, edge: EdgeLb, control: Control, clients: Clients) {
    this.options = options;
    this.folder = folder;
    this.control = control;
    this.clients = clients;
    this.pids = [edge.pid];
  }

  async run(): Promise<UpgradeSoakReport> {
    const { upgrades, say } = this.options;
    const builds = ["0.1.1", "0.1.2"].map((release) => otherBuild(join(this.folder, `edge-lb-${release}`), release));
    const empty = await this.look();
    await this.clients.ask("open");
    const before = await this.look();
    say?.(`${before.connections.open} connections are open`);
    const atFirst = sizeOf(before.pid);
    for (let round = 0; round < upgrades; round++) await this.upgrade(builds[round % 2] ?? "", round);
    const full = await this.look();
    const atLast = await settledSize(full.pid, atFirst.mb, this.options.settleMs);
    const rested = this.told(await this.clients.ask("rest"));
    this.told(await this.clients.ask("finish"));
    const processesLeft = await this.processesLeft();
    await this.settled(empty);
    return {
      tunnels: rested.streams,
      upgrades,
      bytes: rested.bytes,
      visits: rested.visits.served,
      faults: this.faults,
      gaps: gapsOf(this.gaps),
      quietGaps: gapsOf(this.quietGaps),
      upgradeMs: gapsOf(this.upgradeMs),
      longestVisitMs: this.longestVisitMs,
      descriptors: { before: atFirst.descriptors, after: atLast.descriptors },
      residentMb: { before: atFirst.mb, after: atLast.mb },
      releases: this.releases,
      processesLeft,
    };
  }

  private async upgrade(build: string, round: number): Promise<void> {
    await Bun.sleep(this.options.pauseMs);
    this.quietGaps.push(...this.told(await this.clients.ask("gaps")).gaps);
    const startMs = performance.now();
    const { code, out, err } = await command(
      [...edgeLbArgv({ program: "binary" }), "upgrade", "--to", build, "--control", this.control.path],
      { timeoutMs: ANSWER_MS },
    );
    const tookMs = performance.now() - startMs;
    this.upgradeMs.push(tookMs);
    if (code !== 0) this.faults.push(`upgrade ${round}: exit ${code}: ${err.trim()}`);
    const state = this.told(await this.clients.ask("gaps"));
    this.gaps.push(...state.gaps);
    const { pid, release } = await this.look();
    this.pids.push(pid);
    this.releases.push(release);
    if (!build.endsWith(release)) this.faults.push(`upgrade ${round}: release ${release} runs, ${build} was wanted`);
    this.options.say?.(
      `${round + 1}: ${out.trim()} in ${Math.round(tookMs)} ms; gaps ${JSON.stringify(gapsOf(state.gaps))}`,
    );
  }

  private told(state: ClientsState): ClientsState {
    for (const fault of state.faults) if (!this.faults.includes(fault)) this.faults.push(fault);
    this.longestVisitMs = Math.max(this.longestVisitMs, state.visits.longestMs);
    return state;
  }

  /** No counter goes back, whoever answers. */
  private async look(): Promise<Status> {
    const status = await this.control.status();
    const before = this.last;
    if (before !== null) {
      for (const [name, count] of Object.entries(totalsOf(status))) {
        const earlier = totalsOf(before)[name] ?? 0;
        if (count < earlier) this.faults.push(`${name} went back from ${earlier} to ${count}`);
      }
    }
    this.last = status;
    return status;
  }

  private async processesLeft(): Promise<number> {
    const last = this.pids.at(-1);
    let left = 1;
    for (const pid of this.pids) if (pid !== last && !(await gone(pid, END_MS))) left++;
    return left;
  }

  /** Everything is over: nothing may be left of it. */
  private async settled(empty: Status): Promise<void> {
    const deadline = performance.now() + END_MS;
    let status = await this.look();
    while (status.connections.open > empty.connections.open && performance.now() < deadline) {
      await Bun.sleep(100);
      status = await this.look();
    }
    if (status.connections.open > 0) this.faults.push(`${status.connections.open} connections are left open`);
  }
}

function totalsOf({ connections, clusters, listeners }: Status): Record<string, number> {
  const ofCluster = clusters.map(({ name, total, bytesUp, bytesDown }) => [
    [`${name} total`, total],
    [`${name} bytes up`, bytesUp],
    [`${name} bytes down`, bytesDown],
  ]);
  const ofListener = listeners.map(({ kind, total }) => [`${kind} total`, total]);
  return Object.fromEntries([["accepted", connections.accepted], ...ofCluster.flat(), ...ofListener]);
}

function sizeOf(pid: number): { readonly descriptors: number; readonly mb: number } {
  return { descriptors: descriptorsOf(pid), mb: Math.round(residentMb(pid)) };
}

/** What the start took is given back a while later. */
async function settledSize(pid: number, wantedMb: number, withinMs: number): Promise<ReturnType<typeof sizeOf>> {
  const deadline = performance.now() + withinMs;
  let size = sizeOf(pid);
  while (size.mb > wantedMb && performance.now() < deadline) {
    await Bun.sleep(200);
    const now = sizeOf(pid);
    if (now.mb < size.mb) size = now;
  }
  return size;
}

function gapsOf(values: readonly number[]): Gaps {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
