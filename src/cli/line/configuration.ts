/** The configuration that a command's settings and their file make together. */
import { loadConfig, NO_RUNTIME_LAYER, type FileTaking, type RuntimeLayer } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import type { OwnListeners } from "../../config/clusters/own-listeners.ts";
import { localAddresses } from "../../control/machine/networks.ts";
import type { Call } from "./command.ts";
import { machineOf } from "../terminal/io.ts";

type Source = Pick<Call, "settings" | "io">;

/** Reads the file anew each time. @throws EdgeErrors with everything that is wrong */
export function configOf({ settings, io }: Source): Config {
  return loadConfig({ flags: settings, readFile: io.readFile, machine: machineOf(io) });
}

/**
 * The same for this machine to serve: no node may be edge-lb's own listening address here.
 * @param own Where edge-lb listens already.
 * @throws EdgeErrors
 */
export function configToServe(
  { settings, io }: Source,
  runtime: RuntimeLayer = NO_RUNTIME_LAYER,
  taking?: FileTaking,
  own?: OwnListeners,
): Config {
  const here = machineOf(io);
  const machine = { ...here, addresses: here.addresses ?? localAddresses() };
  return loadConfig({ flags: settings, readFile: io.readFile, machine, runtime, taking, own });
}
