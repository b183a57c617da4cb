/** From argv to an exit code. */
import { EdgeError, EdgeErrors } from "../errors.ts";
import { CommandLine } from "./command-line.ts";
import type { Serve } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { exitCodeOf } from "./exit-code.ts";
import type { Io } from "./io.ts";

export interface CliDeps {
  readonly run: Serve;
}

/** Never rejects, prints no stack. */
export async function runCli(argv: readonly string[], io: Io, { run: serve }: CliDeps): Promise<number> {
  try {
    return await new CommandLine(COMMANDS).run(argv, { io, serve });
  } catch (error) {
    const errors = error instanceof EdgeErrors ? error.errors : [asEdgeError(error)];
    for (const each of errors) io.err(`edge-lb: ${each.toLine()}\n`);
    return exitCodeOf(errors);
  }
}

function asEdgeError(error: unknown): EdgeError {
  if (error instanceof EdgeError) return error;
  const words = error instanceof Error ? error.message : String(error);
  return new EdgeError("INTERNAL", `Cannot go on: ${words.replaceAll(/\s*\n\s*/g, " ")}`, {
    hint: "this is a fault of edge-lb, please report it",
  });
}
