/** One run of an operator's program: without a shell, in an environment and a process group of its own, its output line by line. */
import { spawn, type ChildProcess } from "node:child_process";

export interface HookSpec {
  /** Absolute path. */
  readonly program: string;
  readonly cluster: string;
  readonly nodes: readonly string[];
  /** What a client asked for; "": nobody did. */
  readonly name: string;
}

export interface HookEnd {
  readonly ok: boolean;
  /** In words: `ended with 1`. */
  readonly how: string;
  readonly tookMs: number;
}

export interface HookListener {
  line(text: string): void;
  /** Once. */
  end(end: HookEnd): void;
}

/** Everything the program knows of its surroundings, beside the three variables about its cluster. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const HOOK_MOST_MS = 60_000;
/** Of one run; the rest is counted. */
const LINES_MOST = 50;
const LINE_CHARS = 500;

export class HookRun {
  private readonly listener: HookListener;
  private readonly child: ChildProcess;
  private readonly startMs = performance.now();
  private readonly limit: ReturnType<typeof setTimeout>;
  private readonly mostMs: number;
  private lines = 0;
  private isOver = false;
  private isCut = false;

  constructor(spec: HookSpec, listener: HookListener, mostMs = HOOK_MOST_MS) {
    this.listener = listener;
    this.mostMs = mostMs;
    const { program, cluster, nodes, name } = spec;
    this.child = spawn(program, [cluster], {
      cwd: "/",
      env: { PATH, EDGE_LB_CLUSTER: cluster, EDGE_LB_NODES: nodes.join(" "), EDGE_LB_NAME: name },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a session and process group of its own
    });
    this.limit = setTimeout(() => this.cut(), mostMs);
    this.read("stdout");
    this.read("stderr");
    this.child.on("error", (error) => this.over(false, `cannot run: ${reasonOf(error)}`));
    this.child.on("exit", (code, signal) => this.exited(code, signal));
    // nobody holds its output any more: nothing of it is left to be ended
    this.child.on("close", () => this.closed());
  }

  /** Ends it and all that it started and that is still in its process group. */
  kill(): void {
    clearTimeout(this.limit);
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // it is gone already
    }
  }

  private cut(): void {
    this.isCut = !this.isOver;
    this.kill();
  }

  private exited(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.isCut) this.over(false, `killed after ${this.mostMs / 1_000} s`);
    else this.over(code === 0, code === null ? `ended by ${signal ?? "a signal"}` : `ended with ${code}`);
  }

  private closed(): void {
    clearTimeout(this.limit);
    if (this.lines > LINES_MOST) this.listener.line(`… ${this.lines - LINES_MOST} more lines`);
  }

  private over(ok: boolean, how: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.listener.end({ ok, how, tookMs: performance.now() - this.startMs });
  }

  private read(name: "stdout" | "stderr"): void {
    const stream = this.child[name];
    if (stream === null) return;
    const decoder = new TextDecoder();
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      // of a line without an end only its beginning is kept
      rest = (parts.pop() ?? "").slice(0, LINE_CHARS);
      for (const text of parts) this.line(text);
    });
    stream.on("end", () => this.line(rest));
    stream.on("error", () => undefined);
  }

  /** A program's output must not forge lines or colours of the log. */
  private line(text: string): void {
    const clean = text
      .slice(0, LINE_CHARS)
      .replaceAll(/\p{Cc}+/gu, " ")
      .trim();
    if (clean === "") return;
    this.lines += 1;
    if (this.lines <= LINES_MOST) this.listener.line(clean);
  }
}

function reasonOf(error: Error): string {
  const code = "code" in error ? error.code : "";
  if (code === "ENOENT") return "there is no such program";
  return code === "EACCES" ? "it may not be executed" : error.message;
}
