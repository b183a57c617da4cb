/** `edge-lb reload`: the file is read again by the edge-lb that runs; what changed, in words. */
import type { FlagText } from "../config/layers.ts";
import type { ReloadResult } from "../control/serve/reload.ts";
import { EdgeErrors } from "../errors.ts";
import { asking } from "./client.ts";
import type { Io } from "./io.ts";

/** @returns 1 when the file is wrong: nothing has changed then */
export async function reload(flags: readonly FlagText[], io: Io): Promise<number> {
  try {
    const done = await asking(flags, io, (client) => client.ask("POST", "reload"));
    io.out(changeText(done as Extract<ReloadResult, { ok: true }>));
    return 0;
  } catch (error) {
    if (!(error instanceof EdgeErrors)) throw error;
    for (const each of error.errors) io.err(`edge-lb: ${each.toLine()}\n`);
    io.err("nothing has changed\n");
    return 1;
  }
}

/** One line per change. */
export function changeText({ changes, needsRestart }: Extract<ReloadResult, { ok: true }>): string {
  const lines = [...changes, ...needsRestart.map((change) => `needs a restart: ${change}`)];
  return lines.length === 0 ? "nothing changed\n" : `${lines.join("\n")}\n`;
}
