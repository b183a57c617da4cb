/** `edge-lb status`: what the edge-lb that runs has to show. */
import type { FlagText } from "../config/layers.ts";
import type { Status } from "../control/status/report.ts";
import { asking } from "./client.ts";
import type { Io } from "./io.ts";
import { statusText } from "./status-table.ts";

export async function status(json: boolean, flags: readonly FlagText[], io: Io): Promise<number> {
  const now = (await asking(flags, io, (client) => client.ask("GET", "status"))) as Status;
  io.out(json ? `${JSON.stringify(now, null, 2)}\n` : statusText(now));
  return 0;
}
