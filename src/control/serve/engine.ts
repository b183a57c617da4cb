/** Which runtime the workers stand on. */
import { EdgeError } from "../../errors.ts";
import type { EngineChoice, RingChoice } from "../../config/model.ts";
import type { Engine } from "../../seam/mail.ts";

export type WorkerEngine = Exclude<Engine, "memory">;

/** Whether many sends share a system call. */
export interface RingUse {
  readonly on: boolean;
  /** Why not; null when it is on. */
  readonly why: string | null;
}

export interface ChosenEngine {
  readonly engine: WorkerEngine;
  /** Null: this engine has none. */
  readonly ring: RingUse | null;
  /** Why `auto` did not take the best one; null when it did. */
  readonly note: string | null;
}

const IN_BUN = process.versions.bun !== undefined;

/** `auto` takes the best that works here: linux, then bun, then node. @throws EdgeError when the one asked for does not work */
export async function chooseEngine(choice: EngineChoice, ring: RingChoice): Promise<ChosenEngine> {
  if (choice === "node") return { engine: "node", ring: null, note: null };
  if (choice === "bun") {
    if (IN_BUN) return { engine: "bun", ring: null, note: null };
    throw unavailable("bun", `this is ${hostName()}, and Bun is wanted`);
  }
  const obstacle = await linuxObstacle();
  if (obstacle === null) return { engine: "linux", ring: await ringUse(ring), note: null };
  if (choice === "linux") throw unavailable("linux", obstacle);
  return { engine: IN_BUN ? "bun" : "node", ring: null, note: `engine linux does not work here: ${obstacle}` };
}

/** The engines that work here, the best one first. */
export async function workingEngines(): Promise<readonly WorkerEngine[]> {
  const linux = (await linuxObstacle()) === null;
  return [...(linux ? (["linux"] as const) : []), ...(IN_BUN ? (["bun"] as const) : []), "node"];
}

/** Engine linux can send through io_uring here. */
export async function worksWithRing(): Promise<boolean> {
  return (await ringUse("auto")).on;
}

async function linuxObstacle(): Promise<string | null> {
  if (!IN_BUN) return `this is ${hostName()}, and Bun is wanted`;
  if (process.platform !== "linux") return `this is ${process.platform}, and Linux is wanted`;
  const { probeLinux } = await import("../../runtime/kernel/probe.ts");
  return probeLinux();
}

async function ringUse(choice: RingChoice): Promise<RingUse> {
  if (choice === "off") return { on: false, why: "switched off" };
  const { ringObstacle } = await import("../../runtime/ring/probe.ts");
  const why = ringObstacle();
  return { on: why === null, why };
}

/** How many workers can share the listening addresses; Node before 23.1 cannot bind one address twice. */
export function workersFor(engine: WorkerEngine, wanted: number): number {
  if (engine !== "node" || "deno" in process.versions || IN_BUN) return wanted;
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) ? wanted : 1;
}

function hostName(): string {
  return "deno" in process.versions ? "Deno" : `Node ${process.versions.node}`;
}

function unavailable(engine: string, reason: string): EdgeError {
  return new EdgeError("ENGINE_UNAVAILABLE", `Cannot use engine ${engine}: ${reason}`, { hint: "use --engine auto" });
}
