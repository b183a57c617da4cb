/** `edge-lb version`. */
import manifest from "../../package.json" with { type: "json" };
import { command } from "./command.ts";
import { EXIT } from "./exit-code.ts";

export const VERSION_COMMAND = command({
  name: "version",
  help: "Print the version",
  run({ io }) {
    io.out(`edge-lb ${manifest.version}\n`);
    return EXIT.done;
  },
});
