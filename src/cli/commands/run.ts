/** `edge-lb run`, or without a command: serves until it is told to end. */
import { ALL_SETTINGS, command } from "../line/command.ts";
import { configToServe, requireStartable } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { usageText } from "./help.ts";

export const RUN = command({
  name: "run",
  help: "Serve; what edge-lb does when no command is named",
  settings: ALL_SETTINGS,
  synonyms: ["start", "serve"],
  run(call) {
    const config = configToServe(call);
    if (config.clusters.length === 0 && config.file === null && config.discover.length === 0) {
      call.io.err(usageText());
      return EXIT.wrongInput;
    }
    requireStartable(config, call.io);
    return call.serve(config, (runtime, taking, place) => configToServe(call, runtime, taking, place));
  },
});
