/** Runs the command line in this process. */
import { runCli } from "../../src/cli/cli.ts";
import type { Config } from "../../src/config/model.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What `run` was given, if it came to that. */
  readonly config: Config | null;
}

/** @param files By path; any other path is not there. */
export async function edgeLb(
  argv: readonly string[],
  files: Readonly<Record<string, string>> = {},
  run: () => Promise<number> = () => Promise.resolve(0),
): Promise<Ran> {
  let [out, err] = ["", ""];
  let config: Config | null = null;
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    readFile(path: string): string {
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      return text;
    },
    env: {},
    isTerminal: false,
    machine: { env: {}, userId: 1000, cpus: 2 },
  };
  const code = await runCli(argv, io, {
    run(given) {
      config = given;
      return run();
    },
  });
  return { code, out, err, config };
}

export function words(line: string): readonly string[] {
  return line.split(" ").filter((word) => word !== "");
}
