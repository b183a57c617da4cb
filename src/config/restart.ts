/** Sockets, threads and files are those of the start: which settings that are, the options of the option table say. */
import { SERVICES } from "../seam/services.ts";
import type { Config } from "./model.ts";
import { mapGroup } from "./options/option-group.ts";
import { settingsWith } from "./options/options.ts";

/** The configuration that serves from now on: `after`, but for what only a restart can change. */
export function keepUntilRestart(before: Config, after: Config): Config {
  const options = settingsWith(before.services.slice(SERVICES.length).map(({ name }) => name));
  const kept = mapGroup(options, (option, was, is) => (option.reload ? is : was), before, after);
  return { ...after, ...kept, services: before.services };
}
