/** `edge-lb drain CLUSTER/NODE`: no new clients for a node, or again with `--undo`. */
import type { FlagText } from "../config/layers.ts";
import { quote } from "../config/text.ts";
import type { DrainResult } from "../control/api/instance.ts";
import { EdgeError } from "../errors.ts";
import { asking } from "./client.ts";
import type { Io } from "./io.ts";
import { goingText } from "./rm.ts";

export async function drain(text: string, undo: boolean, flags: readonly FlagText[], io: Io): Promise<number> {
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) {
    throw new EdgeError("USAGE", `Cannot drain ${quote(text)}: CLUSTER/NODE wanted, such as hub/192.168.125.20`);
  }
  const [cluster, node] = [text.slice(0, slash), text.slice(slash + 1)].map(encodeURIComponent);
  const path = `clusters/${cluster}/nodes/${node}/drain`;
  const done = (await asking(flags, io, (client) => client.ask(undo ? "DELETE" : "PUT", path))) as DrainResult;
  const pools = done.pools.join(", ");
  io.out(
    undo
      ? `${text} takes new clients again: ${pools}\n`
      : `${text} takes no new clients: ${pools}\n${goingText(done.active, done.cutSeconds)}`,
  );
  return 0;
}
