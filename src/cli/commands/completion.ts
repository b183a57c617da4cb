/** `edge-lb completion SHELL`: the script that has a shell ask edge-lb what may be typed next. */
import { quote } from "../../config/values/text.ts";
import { choice } from "../../config/values/values.ts";
import { EdgeError } from "../../errors.ts";
import { argument, command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { COMPLETION_SCRIPTS, SHELLS } from "../completion/scripts.ts";

export const COMPLETION = command({
  name: "completion",
  help: "Print the completion script of a shell: source <(edge-lb completion bash)",
  args: [{ ...argument(SHELLS.join("|")), completes: SHELLS }],
  run({ args: [text = ""], io }) {
    const shell = choice(...SHELLS).read(text);
    if (!shell.ok) throw new EdgeError("USAGE", `Cannot complete for ${quote(text)}: ${shell.wanted} wanted`);
    io.out(COMPLETION_SCRIPTS[shell.value]);
    return EXIT.done;
  },
});
