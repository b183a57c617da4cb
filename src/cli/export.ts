/** `edge-lb export haproxy|nginx`: the way out, a configuration of another load balancer for the same clusters. */
import { requireClusters } from "../config/load.ts";
import type { Config } from "../config/model.ts";
import { oneOf, quote } from "../config/text.ts";
import { EdgeError } from "../errors.ts";
import { exportHaproxy } from "../migrate/export/haproxy.ts";
import { exportNginx } from "../migrate/export/nginx.ts";
import { ALL_SETTINGS, argument, command } from "./command.ts";
import { configOf } from "./configuration.ts";
import { EXIT } from "./exit-code.ts";

/** By the word after `export`. */
const WRITERS: ReadonlyMap<string, (config: Config) => string> = new Map([
  ["haproxy", exportHaproxy],
  ["nginx", exportNginx],
]);
const TARGETS = [...WRITERS.keys()];

export const EXPORT = command({
  name: "export",
  help: "Write a config for HAProxy or nginx that serves the same clusters",
  args: [argument(TARGETS.join("|"), TARGETS)],
  settings: ALL_SETTINGS,
  run(call) {
    const config = configOf(call);
    requireClusters(config);
    const [target = ""] = call.args;
    const write = WRITERS.get(target);
    if (write === undefined) {
      throw new EdgeError("USAGE", `Cannot export to ${quote(target)}: ${oneOf(TARGETS)} wanted`);
    }
    call.io.out(write(config));
    return EXIT.done;
  },
});
