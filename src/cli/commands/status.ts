/** `edge-lb status`: what the edge-lb that runs has to show. */
import type { Status } from "../../control/status/report.ts";
import { command } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { JSON_OUTPUT, LIVE, tell } from "../live/live-command.ts";
import { statusText } from "../live/status-table.ts";
import { watch } from "../watch/watch.ts";

export const STATUS = command({
  name: "status",
  help: "Show clusters, nodes and connections of the edge-lb that runs",
  ...LIVE,
  options: { json: JSON_OUTPUT, watch: toggle("Keep it on the screen; ? lists the keys") },
  synonyms: ["show", "list", "ls", "top"],
  run(call) {
    const { options, settings, io } = call;
    if (options.watch) return watch(options.json, settings, io);
    return tell(call, { method: "GET", path: "status" }, (status: Status) => statusText(status));
  },
});
