/** `edge-lb run`, or without a command: serves until it is told to end. */
import { requireClusters } from "../config/load.ts";
import { ALL_SETTINGS, command } from "./command.ts";
import { configToServe } from "./configuration.ts";
import { EXIT } from "./exit-code.ts";
import { usageText } from "./help.ts";

export const RUN = command({
  name: "run",
  help: "Serve; what edge-lb does when no command is named",
  settings: ALL_SETTINGS,
  synonyms: ["start", "serve"],
  run(call) {
    const config = configToServe(call);
    if (config.clusters.length === 0 && config.file === null) {
      call.io.err(usageText());
      return EXIT.wrongInput;
    }
    requireClusters(config);
    return call.serve(config, (runtime, taking, own) => configToServe(call, runtime, taking, own));
  },
});
