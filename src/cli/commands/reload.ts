/** `edge-lb reload`: the file is read again by the edge-lb that runs; what changed, in words. */
import { EdgeErrors } from "../../errors.ts";
import { changeText, type Done } from "../live/change-text.ts";
import { command } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { ask, LIVE } from "../live/live-command.ts";

export const RELOAD = command({
  name: "reload",
  help: "Read the file again, say what changed",
  ...LIVE,
  options: { "allow-empty": toggle("Also when the file names no cluster any more") },
  /** The file is wrong only for the one that runs: nothing has changed there, and this command has failed. */
  async run(call) {
    try {
      const done = await ask(call, {
        method: "POST",
        path: `reload${call.options["allow-empty"] ? "?allow-empty=1" : ""}`,
      });
      call.io.out(changeText(done as Done));
      return EXIT.done;
    } catch (error) {
      if (!(error instanceof EdgeErrors)) throw error;
      for (const each of error.errors) call.io.err(`edge-lb: ${each.toLine()}\n`);
      call.io.err("nothing has changed\n");
      return EXIT.failed;
    }
  },
});
