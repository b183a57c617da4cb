/** `edge-lb status --watch`: the status again and again. */
import type { FlagText } from "../config/layers.ts";
import type { Io } from "./io.ts";
import { status } from "./status.ts";

export function watch(json: boolean, flags: readonly FlagText[], io: Io): Promise<number> {
  return status(json, flags, io);
}
