/** The configuration that a command's settings and their file make together. */
import type { RuntimeLayer } from "../config/load.ts";
import { loadConfig, NO_RUNTIME_LAYER } from "../config/load.ts";
import type { Config } from "../config/model.ts";
import type { Call } from "./command.ts";
import { machineOf } from "./io.ts";

/** Reads the file anew each time. @throws EdgeErrors with everything that is wrong */
export function configOf(
  { settings, io }: Pick<Call, "settings" | "io">,
  runtime: RuntimeLayer = NO_RUNTIME_LAYER,
): Config {
  return loadConfig({ flags: settings, readFile: io.readFile, machine: machineOf(io), runtime });
}
