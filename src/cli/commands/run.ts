/** `edge-lb run`, or without a command: serves until it is told to end. */
import { requireClusters } from "../../config/load.ts";
import { openSource } from "../../discover/open-source.ts";
import { ALL_SETTINGS, command } from "../line/command.ts";
import { configToServe } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { usageText } from "./help.ts";

export const RUN = command({
  name: "run",
  help: "Serve; what edge-lb does when no command is named",
  settings: ALL_SETTINGS,
  synonyms: ["start", "serve"],
  run(call) {
    const config = configToServe(call);
    for (const source of config.discover) openSource(source, { env: call.io.env });
    if (config.clusters.length === 0 && config.file === null && config.discover.length === 0) {
      call.io.err(usageText());
      return EXIT.wrongInput;
    }
    requireClusters(config);
    return call.serve(config, (runtime, taking, place) => configToServe(call, runtime, taking, place));
  },
});
