/** `edge-lb add NAME=SPEC`: a cluster more, or another one of that name, in the edge-lb that runs. */
import { quote } from "../config/text.ts";
import { EdgeError } from "../errors.ts";
import { changeText, savedText, type Done } from "./change-text.ts";
import { argument } from "./command.ts";
import { toggle } from "./command-option.ts";
import { liveCommand } from "./live-command.ts";

export const SAVE = toggle("Write it to the file, comments and order stay");

export const ADD = liveCommand(
  {
    name: "add",
    help: "Add or replace a cluster while running; until a restart, or for good with --save",
    args: [argument("NAME=ITEM[,ITEM...]")],
    options: { save: SAVE },
    synonyms: ["create"],
    question({ args: [text = ""], options: { save } }) {
      const [, name, spec] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || spec === undefined) {
        throw new EdgeError("USAGE", `Cannot add ${quote(text)}: NAME=NODE[,NODE...] wanted`);
      }
      return { method: "PUT", path: `clusters/${encodeURIComponent(name)}${save ? "?save=1" : ""}`, body: spec };
    },
  },
  (done: Done) => changeText(done) + savedText(done),
);
