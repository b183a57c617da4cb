/** From argv to an exit code. */
import { EdgeError, EdgeErrors } from "../errors.ts";
import { CommandLine } from "./line/command-line.ts";
import type { Serve } from "./line/command.ts";
import { COMMANDS } from "./commands.ts";
import { answerShell, isCompletion } from "./completion/completer.ts";
import { EXIT, exitCodeOf } from "./terminal/exit-code.ts";
import type { Io } from "./terminal/io.ts";
import { lossText } from "./terminal/output.ts";

export interface CliDeps {
  readonly run: Serve;
}

/** Nobody is there to be told. */
const READER_GONE = "EPIPE";
/** stderr may be as stuck as stdout. */
const LAST_LINE_MS = 1_000;

/** Never rejects, prints no stack. Resolves once the output has left; when it cannot leave, the exit code says so. */
export async function runCli(argv: readonly string[], io: Io, deps: CliDeps): Promise<number> {
  const code = await runCommand(argv, io, deps);
  const lost = await io.flush();
  if (lost === null) return code;
  if (lost === READER_GONE) return EXIT.readerGone;
  io.err(`edge-lb: ${new EdgeError("OUTPUT_FAILED", `Cannot write the output: ${lossText(lost)}`).toLine()}\n`);
  await io.flush(LAST_LINE_MS);
  return EXIT.failed;
}

async function runCommand(argv: readonly string[], io: Io, { run: serve }: CliDeps): Promise<number> {
  try {
    if (isCompletion(argv)) return await answerShell(argv, COMMANDS, io);
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
