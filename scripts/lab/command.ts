/** Runs programs to their end, within a time limit. */
import { PATH, program } from "./programs.ts";

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  /** Added to this process' environment; undefined takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** SIGKILL after this long. @default 20000 */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** 128 + signal where it was killed. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command line; an option and its value may stand together. */
export type CommandLine = readonly (string | readonly string[])[];

/** Runs a command without a shell; never throws for what the command says. */
export async function command(argv: CommandLine, options: CommandOptions = {}): Promise<CommandResult> {
  const { input = "", cwd, env = {}, timeoutMs = 20_000 } = options;
  const [name = "", ...args] = argv.flat();
  const child = Bun.spawn([program(name, env["PATH"] ?? PATH), ...args], {
    stdin: typeof input === "string" ? new TextEncoder().encode(input) : input,
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}
