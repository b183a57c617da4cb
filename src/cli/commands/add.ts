/** `edge-lb add NAME=SPEC`: a cluster more, or another one of that name, in the edge-lb that runs; `add NAME`: as its file has it. */
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import { changeText, savedText, type Done } from "../live/change-text.ts";
import { argument } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { liveCommand, type Question } from "../live/live-command.ts";

export const SAVE = toggle("Write it to the file, comments and order stay");

/** As if it had been neither added nor removed: file and flags decide. */
export function restoring(name: string): Question {
  return { method: "POST", path: `clusters/${encodeURIComponent(name)}/restore` };
}

export const ADD = liveCommand(
  {
    name: "add",
    help: "Add or replace a cluster while running, until a restart or for good (--save); NAME alone: as its file has it",
    args: [argument("NAME=ITEM[,ITEM...]")],
    options: { save: SAVE },
    synonyms: ["create"],
    question({ args: [text = ""], options: { save } }) {
      const [, name, spec] = /^([^=]+)(?:=(.+))?$/s.exec(text) ?? [];
      if (name === undefined) throw new EdgeError("USAGE", `Cannot add ${quote(text)}: NAME=NODE[,NODE...] wanted`);
      if (spec === undefined) return restoring(name);
      return { method: "PUT", path: `clusters/${encodeURIComponent(name)}${save ? "?save=1" : ""}`, body: spec };
    },
  },
  (done: Done) => changeText(done) + savedText(done),
);
