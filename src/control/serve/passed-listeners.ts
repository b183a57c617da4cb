/** Listening sockets of a service manager beside our own: used and never closed, since it keeps the address for the next start. */
import type { Config } from "../../config/model.ts";
import type { PassedSocket } from "../../config/options/option.ts";
import { serviceNamed } from "../../seam/services.ts";
import { EdgeError } from "../../errors.ts";
import type { WorkerEngine } from "./engine.ts";
import { openSockets, type InheritedSocket, type Sockets } from "./listening.ts";

/** @param config Where it listens, those that were passed included. @throws EdgeError */
export async function openAll(
  config: Config,
  engine: WorkerEngine,
  workers: number,
  passed: readonly PassedSocket[] = [],
  inherited: readonly InheritedSocket[] = [],
): Promise<Sockets> {
  const given = passed.flatMap(({ name, at, fd }) =>
    at === null || serviceNamed(config.services, name) === undefined ? [] : [{ kind: name, at, fd }],
  );
  if (given.length === 0) return openSockets(config, engine, workers, inherited);
  const forWorker = await adopt(given, engine, workers);
  const rest = Object.entries(config.listen).filter(([name]) => !given.some(({ kind }) => kind === name));
  const listen = { ...config.listen, ...none(given), ...Object.fromEntries(rest) };
  const own = await openSockets({ ...config, listen }, engine, workers, inherited);
  return {
    listening: [...given, ...own.listening],
    fds: [...given.map(({ fd }) => fd), ...own.fds],
    specs: () => [
      ...given.map(({ kind, at, fd }) => ({ service: kind, at, fd: forWorker(fd), reusePort: false })),
      ...own.specs(),
    ],
    close: () => own.close(),
  };
}

function none(given: readonly { readonly kind: string }[]): Readonly<Record<string, readonly never[]>> {
  return Object.fromEntries(given.map(({ kind }) => [kind, []]));
}

/** @returns the descriptor that one worker is given: one of its own where its engine closes what it listens on */
async function adopt(
  given: readonly { readonly fd: number }[],
  engine: WorkerEngine,
  workers: number,
): Promise<(fd: number) => number> {
  if (process.versions.bun === undefined || process.platform !== "linux") {
    if (workers === 1) return (fd) => fd;
    const message = `Cannot share passed sockets: engine ${engine} with ${workers} workers, 1 wanted`;
    throw new EdgeError("LISTEN_FAILED", message, { hint: "add --workers 1, or use the executable" });
  }
  const { adoptListening, duplicate } = await import("../../runtime/kernel/listen-socket.ts");
  for (const { fd } of given) adoptListening(fd);
  return engine === "linux" ? (fd) => fd : duplicate;
}
