/** `edge-lb check --live`: the configuration, and what surrounds it. */
import type { FlagText } from "../config/layers.ts";
import type { Config } from "../config/model.ts";
import { check } from "./check.ts";
import type { Io } from "./io.ts";

export async function checkLive(config: Config, _flags: readonly FlagText[], io: Io): Promise<number> {
  return check(config, io);
}
