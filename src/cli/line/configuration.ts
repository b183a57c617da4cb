/** The configuration that a command's settings and their file make together. */
import {
  loadConfig,
  NO_RUNTIME_LAYER,
  requireClusters,
  type FileTaking,
  type RuntimeLayer,
} from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { resolveOption, type Option } from "../../config/options/option.ts";
import { Problems } from "../../config/values/text.ts";
import type { OwnPlace } from "../../config/clusters/own-listeners.ts";
import { requireUser } from "../../control/machine/drop-root.ts";
import { openSource } from "../../discover/open-source.ts";
import { localAddresses } from "../../control/machine/networks.ts";
import type { Call } from "./command.ts";
import { machineOf } from "../terminal/io.ts";

export type Source = Pick<Call, "settings" | "io">;

/** Reads the file anew each time. @throws EdgeErrors with everything that is wrong */
export function configOf({ settings, io }: Source): Config {
  return loadConfig({ flags: settings, readFile: io.readFile, machine: machineOf(io) });
}

/** The value of one setting without the rest of the configuration; undefined: it was not typed. @throws EdgeErrors */
export function typedValue<T>(option: Option<T>, { settings, io }: Source): T | undefined {
  const texts = settings
    .filter(({ flag }) => flag === option.flag)
    .map(({ text }) => ({ text, where: `--${option.flag} ${text}` }));
  if (texts.length === 0) return undefined;
  const problems = new Problems();
  const value = resolveOption(option, texts, machineOf(io), problems);
  problems.throwIfAny();
  return value;
}

/** What it is where nobody types it. */
export function defaultValue<T>(option: Option<T>, io: Source["io"]): T {
  return resolveOption(option, [], machineOf(io), new Problems());
}

/** What a start refuses of a configuration without a mistake in itself. @throws EdgeErrors, EdgeError */
export function requireStartable(config: Config, { env }: Pick<Source["io"], "env">): void {
  for (const source of config.discover) openSource(source, { env });
  requireClusters(config);
  requireUser(config);
}

/**
 * The same for this machine to serve: no node may be edge-lb's own listening address here.
 * @param place Where edge-lb listens already.
 * @throws EdgeErrors
 */
export function configToServe(
  { settings, io }: Source,
  runtime: RuntimeLayer = NO_RUNTIME_LAYER,
  taking?: FileTaking,
  place?: OwnPlace,
): Config {
  const here = machineOf(io);
  const machine = { ...here, addresses: here.addresses ?? localAddresses() };
  return loadConfig({ flags: settings, readFile: io.readFile, machine, runtime, taking, place });
}
