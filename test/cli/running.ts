/** Runs the command line in this process. */
import { runCli } from "../../src/cli/cli.ts";
import type { Io } from "../../src/cli/terminal/io.ts";
import type { Config } from "../../src/config/model.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What `run` was given, if it came to that. */
  readonly config: Config | null;
  /** By path. */
  readonly written: Readonly<Record<string, string>>;
}

function notThere(): never {
  throw Object.assign(new Error("no such file"), { code: "ENOENT" });
}

function nothingLost(): Promise<null> {
  return Promise.resolve(null);
}

/** An Io that keeps nothing and knows no files. */
export function silentIo(more: Partial<Io> = {}): Io {
  return {
    out: () => {},
    err: () => {},
    flush: nothingLost,
    readFile: notThere,
    writeFile: notThere,
    env: {},
    isTerminal: false,
    ...more,
  };
}

/** @param files By path; any other path is not there, and below `/` there are no folders. */
export async function edgeLb(
  argv: readonly string[],
  files: Readonly<Record<string, string>> = {},
  run: () => Promise<number> = () => Promise.resolve(0),
): Promise<Ran> {
  let [out, err] = ["", ""];
  let config: Config | null = null;
  const written: Record<string, string> = {};
  const io = silentIo({
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readFile: (path) => (Object.hasOwn(files, path) ? (files[path] ?? notThere()) : notThere()),
    writeFile: (path, text) => (path.startsWith("/") ? notThere() : void (written[path] = text)),
    machine: { env: {}, userId: 1000, cpus: 2, addresses: ["192.168.125.1"] },
  });
  const code = await runCli(argv, io, {
    run(given) {
      config = given;
      return run();
    },
  });
  return { code, out, err, config, written };
}

export function words(line: string): readonly string[] {
  return line.split(" ").filter((word) => word !== "");
}
