/** Starts edge-lb as its users do, and stops it again. */
import { command, type CommandResult } from "./command.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The four ways to run it; all but `source` need `npm run build` before. */
const PROGRAMS = {
  binary: [`${ROOT}dist/edge-lb`],
  source: [process.execPath, `${ROOT}src/main.ts`],
  node: ["node", `${ROOT}dist/edge-lb.mjs`],
  deno: [`${ROOT}node_modules/.bin/deno`, "run", "--allow-all", "--no-prompt", `${ROOT}dist/edge-lb.mjs`],
} as const;
export type Program = keyof typeof PROGRAMS;

export interface EdgeLbOptions {
  /** @default EDGE_LB_PROGRAM, or else `source` */
  readonly program?: Program;
  /** In place of `program`: a command line to put the flags after. */
  readonly argv?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** It may meet another instance on this machine: no flag is added. @default true */
  readonly alone?: boolean;
}

export interface EdgeLb {
  readonly pid: number;
  /** The pairs of the ready line: engine, workers, api, https, http, clusters, nodes. */
  readonly ready: Readonly<Record<string, string>>;
  /** Everything on stdout so far. */
  stdout(): string;
  /** Everything on stderr so far: events and the access log. */
  logs(): string;
  /**
   * The first match on stderr, waiting for it when it has not come yet.
   * @param from Skip what was there before: an earlier `logs().length`. @default 0
   * @throws after 30 s, or when it ends first
   */
  logged(pattern: RegExp, from?: number): Promise<RegExpMatchArray>;
  signal(signal: NodeJS.Signals): void;
  /** The exit code; throws when it does not end in time. @default 10000 */
  exit(timeoutMs?: number): Promise<number>;
  /** Two stop signals, so that open tunnels don't matter; throws when the exit code is not 0. Safe after it has ended. */
  stop(): Promise<void>;
}

/** Flags that keep an instance from meeting another one on the same machine, as far as the test does not give them. */
function alone(args: readonly string[]): readonly string[] {
  return ["--admin", "--control"].flatMap((flag) => (args.includes(flag) ? [] : [flag, "off"]));
}

const READY_WITHIN_MS = 60_000;
const LOGGED_WITHIN_MS = 30_000;
/** So much of the log's end is shown when something did not come, in characters. */
const TAIL = 3_000;

/** Starts edge-lb and waits for its ready line; throws with its stderr when that does not come. */
export async function startEdgeLb(args: readonly string[], options: EdgeLbOptions = {}): Promise<EdgeLb> {
  const child = Bun.spawn([...edgeLbArgv(options), ...args, ...(options.alone === false ? [] : alone(args))], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const out = collect(child.stdout);
  const err = collect(child.stderr);

  async function exit(timeoutMs = 10_000): Promise<number> {
    const late = Symbol("late");
    const code = await Promise.race([child.exited, Bun.sleep(timeoutMs).then(() => late)]);
    if (typeof code === "number") return code;
    child.kill("SIGKILL");
    throw new Error(`edge-lb did not end within ${timeoutMs} ms:\n${err.text()}`);
  }

  async function stop(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    child.kill("SIGINT"); // not SIGTERM again: two pending signals of one kind are one
    const code = await exit();
    if (code !== 0) throw new Error(`edge-lb ended with ${code}:\n${err.text()}`);
  }

  try {
    const line = await out.match(/^edge-lb ready (.*)\n/m, READY_WITHIN_MS, 0);
    return {
      pid: child.pid,
      ready: Object.fromEntries((line[1] ?? "").split(" ").map((pair) => pair.split("=") as [string, string])),
      stdout: out.text,
      logs: err.text,
      logged: (pattern, from = 0) => err.match(pattern, LOGGED_WITHIN_MS, from),
      signal: (signal) => child.kill(signal),
      exit,
      stop,
    };
  } catch (error) {
    child.kill("SIGKILL");
    await child.exited;
    throw new Error(`edge-lb did not become ready:\n${err.text()}`, { cause: error });
  }
}

/** Runs edge-lb to its end: commands other than `run`, and starts that must fail. */
export function runEdgeLb(args: readonly string[], options: EdgeLbOptions = {}): Promise<CommandResult> {
  const { cwd, env } = options;
  return command([...edgeLbArgv(options), ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
}

/** The command line of a program, to put flags after. */
export function edgeLbArgv({ program, argv }: EdgeLbOptions = {}): readonly string[] {
  if (argv !== undefined) return argv;
  const name = program ?? process.env["EDGE_LB_PROGRAM"] ?? "source";
  if (!isProgram(name)) throw new Error(`Cannot run EDGE_LB_PROGRAM=${name}: one of ${Object.keys(PROGRAMS)} wanted`);
  return PROGRAMS[name];
}

function isProgram(name: string): name is Program {
  return name in PROGRAMS;
}

interface Collected {
  text(): string;
  match(pattern: RegExp, timeoutMs: number, from: number): Promise<RegExpMatchArray>;
}

/** Keeps what a stream brings and lets somebody wait for a pattern in it. */
function collect(stream: ReadableStream<Uint8Array>): Collected {
  const decoder = new TextDecoder();
  let text = "";
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      wake.resolve();
      wake = Promise.withResolvers();
    }
    ended = true;
    wake.resolve();
  };
  void read();

  async function match(pattern: RegExp, timeoutMs: number, from: number): Promise<RegExpMatchArray> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = text.slice(from).match(pattern);
      if (found !== null) return found;
      const left = deadline - performance.now();
      if (ended || left <= 0)
        throw new Error(`Waited for ${pattern}, ${ended ? "it ended" : "too long"}:\n${text.slice(-TAIL)}`);
      await Promise.race([wake.promise, Bun.sleep(left)]);
    }
  }
  return { text: () => text, match };
}
