/** `edge-lb rm NAME`: a cluster less in the edge-lb that runs. */
import { EdgeError } from "../../errors.ts";
import { restoring, SAVE } from "./add.ts";
import { backText, changeText, goingText, savedText, type Done } from "../live/change-text.ts";
import { argument } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { liveCommand } from "../live/live-command.ts";

export const RM = liveCommand(
  {
    name: "rm",
    help: "Remove a cluster while running; its tunnels get the drain time",
    args: [argument("NAME", "cluster")],
    options: { now: toggle("Cut its tunnels at once"), save: SAVE, undo: toggle("Bring it back as the file has it") },
    synonyms: ["remove", "delete", "del"],
    question({ args: [name = ""], options: { now, save, undo } }) {
      if (undo && (now || save))
        throw new EdgeError("USAGE", "Cannot use --undo: neither --now nor --save wanted with it");
      if (undo) return restoring(name);
      const query = [...(now ? ["now=1"] : []), ...(save ? ["save=1"] : [])].join("&");
      return { method: "DELETE", path: `clusters/${encodeURIComponent(name)}${query === "" ? "" : `?${query}`}` };
    },
  },
  (done: Done, { args: [name = ""] }) =>
    [changeText(done), goingText(done.active ?? 0, done.cutSeconds ?? 0), savedText(done), backText(name, done)].join(
      "",
    ),
);
