/** `edge-lb rm NAME`: a cluster less in the edge-lb that runs. */
import type { FlagText } from "../config/layers.ts";
import { type Done, savedText } from "./add.ts";
import { asking } from "./client.ts";
import type { Io } from "./io.ts";
import { changeText } from "./reload.ts";

export interface RmOptions {
  /** Its tunnels get no time. */
  readonly now: boolean;
  readonly save: boolean;
}

export async function rm(name: string, options: RmOptions, flags: readonly FlagText[], io: Io): Promise<number> {
  const query = [...(options.now ? ["now=1"] : []), ...(options.save ? ["save=1"] : [])].join("&");
  const path = `clusters/${encodeURIComponent(name)}${query === "" ? "" : `?${query}`}`;
  const done = (await asking(flags, io, (client) => client.ask("DELETE", path))) as Done;
  io.out(changeText(done) + goingText(done.active ?? 0, done.cutSeconds ?? 0) + savedText(done));
  return 0;
}

/** What happens to the connections that are open. */
export function goingText(active: number, cutSeconds: number): string {
  if (active === 0) return "";
  const open = `${active} open ${active === 1 ? "connection" : "connections"}`;
  return cutSeconds === 0 ? `${open} cut\n` : `${open}: cut in ${cutSeconds}s\n`;
}
