/** `edge-lb add NAME=SPEC`: a cluster more, or another one of that name, in the edge-lb that runs. */
import type { FlagText } from "../config/layers.ts";
import { quote } from "../config/text.ts";
import type { ChangeResult } from "../control/api/change-clusters.ts";
import { EdgeError } from "../errors.ts";
import { asking } from "./client.ts";
import type { Io } from "./io.ts";
import { changeText } from "./reload.ts";

export async function add(text: string, save: boolean, flags: readonly FlagText[], io: Io): Promise<number> {
  const [, name, spec] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || spec === undefined) {
    throw new EdgeError("USAGE", `Cannot add ${quote(text)}: NAME=NODE[,NODE...] wanted`);
  }
  const path = `clusters/${encodeURIComponent(name)}${save ? "?save=1" : ""}`;
  const done = (await asking(flags, io, (client) => client.ask("PUT", path, spec))) as Done;
  io.out(changeText(done) + savedText(done));
  return 0;
}

export type Done = Extract<ChangeResult, { ok: true }>;

export function savedText({ saved }: Done): string {
  return typeof saved === "string" ? `saved to ${saved}\n` : "";
}
