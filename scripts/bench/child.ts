/** Processes of the benchmark: started on a CPU of their own, watched, counted, and ended by their id. */
import { readdirSync, readFileSync } from "node:fs";

export interface Child {
  readonly pid: number;
  /** The next line of stdout. @throws Error with what it wrote to stderr when it ended first */
  line(): Promise<string>;
  write(text: string): void;
  /** Why it is not alive any more; null while it is. */
  obituary(): string | null;
  /** Rejects when it ends without having been asked to. */
  readonly death: Promise<never>;
  stop(): Promise<void>;
}

export interface ChildOptions {
  /** Pin it and all its threads to this CPU; null: anywhere. */
  readonly cpu: number | null;
}

const STOP_MS = 2_000;
const STDERR_KEPT = 4_096;
const living = new Set<Child>();

export function startChild(command: readonly string[], { cpu }: ChildOptions): Child {
  const pinned = cpu === null ? command : ["taskset", "-c", String(cpu), ...command];
  const child = Bun.spawn([...pinned], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  const errors = keepTail(child.stderr);
  const lines = linesOf(child.stdout);
  let asked = false;
  const death = child.exited.then(async () => {
    if (asked) return new Promise<never>(() => {});
    await Bun.sleep(100); // its last words are still on the way
    throw new Error(`it ended: ${self.obituary()}`);
  });
  death.catch(() => {}); // whoever waits for something else hears of it there
  const self: Child = {
    pid: child.pid,
    death,
    async line() {
      const next = await lines.next();
      if (next.done !== true) return next.value;
      await child.exited;
      throw new Error(`${command[0]} ended: ${self.obituary()}`);
    },
    write(text) {
      child.stdin.write(text);
      void child.stdin.flush();
    },
    obituary: () => obituaryOf(child, errors()),
    async stop() {
      asked = true;
      living.delete(self);
      child.kill("SIGTERM");
      const ended = await Promise.race([child.exited.then(() => true), Bun.sleep(STOP_MS).then(() => false)]);
      if (!ended) child.kill("SIGKILL");
      await child.exited;
    },
  };
  living.add(self);
  return self;
}

function obituaryOf({ exitCode, signalCode }: Bun.Subprocess, errors: string): string | null {
  if (exitCode === null && signalCode === null) return null;
  return `${signalCode ?? `exit code ${exitCode}`} ${errors.trim()}`.trim();
}

/** Whatever happens, nothing of ours stays. */
export async function stopAll(): Promise<void> {
  await Promise.all([...living].map((child) => child.stop()));
}

function keepTail(stream: ReadableStream<Uint8Array>): () => string {
  let tail = "";
  const decoder = new TextDecoder();
  void (async () => {
    for await (const chunk of stream) tail = (tail + decoder.decode(chunk, { stream: true })).slice(-STDERR_KEPT);
  })();
  return () => tail;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
  return undefined;
}

/** The process and all it started: nginx works in a child. */
export function familyOf(pid: number): number[] {
  const children = tasksOf(pid).flatMap((task) => {
    const text = readOrEmpty(`/proc/${pid}/task/${task}/children`).trim();
    return text === "" ? [] : text.split(" ").map(Number);
  });
  return [pid, ...children.flatMap(familyOf)];
}

/** User and system time of each thread so far, in ns. */
export type ThreadTimes = ReadonlyMap<string, number>;

export function threadTimes(pids: readonly number[]): ThreadTimes {
  const times = new Map<string, number>();
  for (const pid of pids) {
    for (const task of tasksOf(pid)) {
      times.set(task, Number(readOrEmpty(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]));
    }
  }
  return times;
}

/** Thread by thread: one that ended meanwhile (a compiler with nothing to do) must not take its past with it. */
export function spentNs(before: ThreadTimes, after: ThreadTimes): number {
  let sum = 0;
  for (const [task, ns] of after) sum += ns - (before.get(task) ?? 0);
  return sum;
}

export interface Memory {
  /** Proportional share of every page, in MB. */
  readonly pss: number;
  readonly rss: number;
  /** The part of `pss` that no file has: heaps, stacks, what was written. */
  readonly anonymous: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  const text = pids.map((pid) => readOrEmpty(`/proc/${pid}/smaps_rollup`)).join("");
  const sum = (key: string): number => {
    const rows = [...text.matchAll(new RegExp(`^${key}:\\s+(\\d+) kB`, "gm"))];
    return rows.reduce((total, row) => total + Number(row[1]), 0) / 1024;
  };
  return { pss: sum("Pss"), rss: sum("Rss"), anonymous: sum("Pss_Anon") };
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
