/** Sockets, threads and files are those of the start: which settings that are, the options of the option table say. */
import type { Config } from "./model.ts";
import { mapGroup } from "./option-group.ts";
import { SETTINGS } from "./options.ts";

/** The configuration that serves from now on: `after`, but for what only a restart can change. */
export function keepUntilRestart(before: Config, after: Config): Config {
  return { ...after, ...mapGroup(SETTINGS, (option, was, is) => (option.reload ? is : was), before, after) };
}
