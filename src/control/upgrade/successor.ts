/** The new process as the old one sees it: started with our arguments, spoken to over a socket pair, ended when it is not wanted. */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { Channel, type Arrived } from "../../handover/channel.ts";
import { HANDOVER_VARIABLE, type FromNew, type FromOld } from "../../handover/messages.ts";
import { codeOf, EdgeError } from "../../errors.ts";
import { handingRightsOn } from "../../runtime/kernel/credentials.ts";
import { closeDescriptor, descriptorPair } from "../../runtime/kernel/rights.ts";
import { failure, type Program } from "./upgraded.ts";

/** The descriptor that the child finds its end at. */
const CHILD_FD = 3;
/** Why it ended is known a moment after its connection is closed. */
const LAST_WORDS_MS = 1_000;

export class Successor {
  private readonly child: ChildProcess;
  private readonly channel: Channel<FromOld, FromNew>;
  /** How it ended, in words; null: it runs. */
  private end: string | null = null;
  private complaint: string | null = null;
  private readonly ended: Promise<void>;

  private constructor(child: ChildProcess, channel: Channel<FromOld, FromNew>) {
    this.child = child;
    this.channel = channel;
    this.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        this.end ??= how;
        resolve();
      };
      child.on("error", (error) => over(`cannot be started: ${startError(error)}`));
      child.on("exit", (code, signal) =>
        over(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
    });
  }

  /** @throws EdgeError UPGRADE_FAILED when it cannot be started */
  static start({ file, before, args }: Program, env: NodeJS.ProcessEnv): Successor {
    requireExecutable(file);
    const [wire, theirs] = descriptorPair();
    // a watchdog that names us would not be the new one's, and it does not end with us
    const { WATCHDOG_PID: _ours, BUN_FEATURE_FLAG_NO_ORPHANS: _together, ...rest } = env;
    try {
      const child = handingRightsOn(() =>
        spawn(file, [...before, ...args], {
          stdio: ["inherit", "inherit", "inherit", theirs],
          env: { ...rest, [HANDOVER_VARIABLE]: String(CHILD_FD) },
        }),
      );
      return new Successor(child, new Channel(wire));
    } catch (error) {
      wire.close();
      throw failure(file, `it cannot be started: ${startError(error)}`);
    } finally {
      closeDescriptor(theirs);
    }
  }

  get isAlive(): boolean {
    return this.end === null;
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** @throws Error saying why it takes nothing */
  async send(message: FromOld, fds: readonly number[] = []): Promise<void> {
    try {
      await this.channel.send(message, fds);
    } catch (error) {
      // what it said before is still there
      await this.next("ready", LAST_WORDS_MS);
      throw error;
    }
  }

  /** @returns the next message of that kind. @throws Error saying why there will be none */
  async next<K extends FromNew["kind"]>(
    kind: K,
    withinMs: number,
    when: "soon" | "any time" = "any time",
  ): Promise<Extract<FromNew, { kind: K }>> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const arrived: Arrived<FromNew> | null = await this.channel.next(Math.max(0, deadline - performance.now()), when);
      if (arrived === null) throw new Error(await this.why());
      for (const fd of arrived.fds) closeDescriptor(fd);
      const { message } = arrived;
      if (message.kind === "complaint") this.complaint = message.text;
      else if (message.kind === kind) return message as Extract<FromNew, { kind: K }>;
      else throw new Error(`it said "${message.kind}", "${kind}" was wanted`);
    }
  }

  /** Its connection is closed: how it ended, and what it complained of. */
  private async why(): Promise<string> {
    await Promise.race([this.ended, new Promise((resolve) => void setTimeout(resolve, LAST_WORDS_MS))]);
    const how = `it ${this.end ?? "closed the connection"}`;
    return this.complaint === null ? how : `${how}: ${this.complaint}`;
  }

  /** It goes on without us. */
  release(): void {
    this.channel.close();
    this.child.unref();
  }

  /** It is not wanted any more. */
  async kill(): Promise<void> {
    this.channel.close();
    if (this.end === null) this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** @throws EdgeError UPGRADE_FAILED */
function requireExecutable(file: string): void {
  try {
    if (!statSync(file).isFile()) throw failure(file, "it is no file");
    accessSync(file, constants.X_OK);
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw failure(file, startError(error));
  }
}

function startError(error: unknown): string {
  switch (codeOf(error)) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "it is not executable";
    case "ENOEXEC":
    case "EBADARCH":
      return "it is no program for this machine";
    case "EMFILE":
    case "ENFILE":
      return "no descriptors left";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
