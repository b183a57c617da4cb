/** Sockets, threads and files are those of the start: which settings that are, the options of the option table say. */
import type { Config } from "./model.ts";
import { GLOBAL, LISTEN } from "./options.ts";
import { SERVICE_NAMES } from "../seam/services.ts";

type Draft = { -readonly [K in keyof Config]: Config[K] };

/** The configuration that serves from now on: `after`, but for what only a restart can change. */
export function keepUntilRestart(before: Config, after: Config): Config {
  const kept: Draft = { ...after };
  for (const [key, option] of Object.entries(GLOBAL)) {
    if (!option.reload && isSetting(key, before)) keep(kept, before, key);
  }
  const listen = { ...after.listen };
  for (const kind of SERVICE_NAMES) if (!LISTEN[kind].reload) listen[kind] = before.listen[kind];
  return { ...kept, listen };
}

function isSetting(key: string, config: Config): key is keyof Config {
  return key in config;
}

function keep<K extends keyof Config>(to: Draft, from: Config, key: K): void {
  to[key] = from[key];
}
