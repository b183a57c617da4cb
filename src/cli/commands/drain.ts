/** `edge-lb drain CLUSTER/NODE`: no new clients for a node, or again with `--undo`. */
import { quote } from "../../config/values/text.ts";
import type { DrainResult } from "../../control/api/instance.ts";
import { EdgeError } from "../../errors.ts";
import { goingText } from "../live/change-text.ts";
import { argument } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { liveCommand } from "../live/live-command.ts";

export const DRAIN = liveCommand(
  {
    name: "drain",
    help: "Take a node out for new clients; its tunnels get the drain time",
    args: [argument("CLUSTER/NODE", "node")],
    options: { undo: toggle("Put it back") },
    synonyms: ["cordon"],
    question({ args: [text = ""], options: { undo } }) {
      const slash = text.indexOf("/");
      if (slash <= 0 || slash === text.length - 1) {
        throw new EdgeError("USAGE", `Cannot drain ${quote(text)}: CLUSTER/NODE wanted, such as hub/192.168.125.20`);
      }
      const [cluster, node] = [text.slice(0, slash), text.slice(slash + 1)].map(encodeURIComponent);
      return { method: undo ? "DELETE" : "PUT", path: `clusters/${cluster}/nodes/${node}/drain` };
    },
  },
  ({ pools, active, cutSeconds, empty = [] }: DrainResult, { args: [text = ""], options: { undo } }) =>
    undo
      ? `${text} takes new clients again: ${pools.join(", ")}\n`
      : `${text} takes no new clients: ${pools.join(", ")}\n${emptyText(empty)}${goingText(active, cutSeconds)}`,
);

function emptyText(pools: readonly string[]): string {
  return pools.length === 0 ? "" : `warning: it was the last, no node takes clients of ${pools.join(", ")} now\n`;
}
