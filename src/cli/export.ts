/** `edge-lb export haproxy|nginx`: the way out, a configuration of another load balancer for the same clusters. */
import { requireClusters } from "../config/load.ts";
import type { Config } from "../config/model.ts";
import { quote } from "../config/text.ts";
import { EdgeError } from "../errors.ts";
import { exportHaproxy } from "../migrate/export/haproxy.ts";
import { exportNginx } from "../migrate/export/nginx.ts";
import type { Io } from "./io.ts";

/** Prints the configuration on stdout. @throws EdgeError USAGE for another target, EdgeErrors without a cluster */
export function exportCommand(config: Config, target: string, io: Io): number {
  requireClusters(config);
  if (target !== "haproxy" && target !== "nginx") {
    throw new EdgeError("USAGE", `Cannot export to ${quote(target)}: haproxy or nginx wanted`);
  }
  io.out(target === "haproxy" ? exportHaproxy(config) : exportNginx(config));
  return 0;
}
