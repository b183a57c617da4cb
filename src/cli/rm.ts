/** `edge-lb rm NAME`: a cluster less in the edge-lb that runs. */
import { SAVE } from "./add.ts";
import { changeText, goingText, savedText, type Done } from "./change-text.ts";
import { argument } from "./command.ts";
import { toggle } from "./command-option.ts";
import { liveCommand } from "./live-command.ts";

export const RM = liveCommand(
  {
    name: "rm",
    help: "Remove a cluster while running; its tunnels get the drain time",
    args: [argument("NAME", "cluster")],
    options: { now: toggle("Cut its tunnels at once"), save: SAVE },
    synonyms: ["remove", "delete", "del"],
    question({ args: [name = ""], options: { now, save } }) {
      const query = [...(now ? ["now=1"] : []), ...(save ? ["save=1"] : [])].join("&");
      return { method: "DELETE", path: `clusters/${encodeURIComponent(name)}${query === "" ? "" : `?${query}`}` };
    },
  },
  (done: Done) => changeText(done) + goingText(done.active ?? 0, done.cutSeconds ?? 0) + savedText(done),
);
