/** The listening addresses belong to control: a port that somebody else holds is an error, never a silent share. */
import { createServer } from "node:net";
import type { Config } from "../../config/model.ts";
import { codeOf, type EdgeError } from "../../errors.ts";
import { cannotListen, listenError } from "../../runtime/listen-error.ts";
import type { ListenSpec } from "../../seam/mail.ts";
import type { Address } from "../../seam/snapshot.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { WorkerEngine } from "./engine.ts";
import { portHolder, stopLine, type Transport } from "../machine/port-holder.ts";
import { listenOf } from "../../config/clusters/service-settings.ts";

export interface Sockets {
  /** Real ports, where 0 was asked for. */
  readonly listening: readonly { readonly kind: ServiceName; readonly at: Address }[];
  /** What one worker is told to listen on. */
  specs(): readonly ListenSpec[];
  /** Of `listening`, in order; none where the workers bind for themselves. */
  readonly fds: readonly number[];
  close(): void;
}

/** Descriptors can be shared between the workers of Bun on Linux; elsewhere the workers bind the address themselves. */
export async function openSockets(
  config: Config,
  engine: WorkerEngine,
  workers: number,
  inherited: readonly InheritedSocket[] = [],
): Promise<Sockets> {
  const wanted = config.services.flatMap((service) =>
    listenOf(config, service).map((at) => ({ kind: service.name, at })),
  );
  const byDescriptor = process.platform === "linux" && (engine === "linux" || engine === "bun");
  return byDescriptor ? openDescriptors(wanted, engine, [...inherited]) : testBind(wanted, workers > 1);
}

type Wanted = readonly { readonly kind: ServiceName; readonly at: Address }[];

/** A socket that another process listened on. */
export interface InheritedSocket {
  readonly kind: string;
  readonly at: Address;
  readonly fd: number;
}

/** @param inherited Those that are wanted still serve, the others are closed. */
async function openDescriptors(wanted: Wanted, engine: WorkerEngine, inherited: InheritedSocket[]): Promise<Sockets> {
  const { listenSocket, duplicate, closeSocket } = await import("../../runtime/kernel/listen-socket.ts");
  const open: { kind: ServiceName; at: Address; fd: number }[] = [];
  const close = (): void => {
    for (const { fd } of open.splice(0)) closeSocket(fd);
  };
  for (const { kind, at } of wanted) {
    try {
      const { fd, port } = takeInherited(inherited, kind, at) ?? listenSocket(at);
      open.push({ kind, at: { ip: at.ip, port }, fd });
    } catch (error) {
      close();
      throw bindError(error, at);
    }
  }
  for (const { fd } of inherited) closeSocket(fd);
  return {
    listening: open,
    get fds() {
      return open.map(({ fd }) => fd);
    },
    // a Bun worker closes what it listens on, so each gets a descriptor of its own
    specs: () =>
      open.map(({ kind, at, fd }) => ({
        service: kind,
        at,
        fd: engine === "bun" ? duplicate(fd) : fd,
        reusePort: false,
      })),
    close,
  };
}

/** Port 0 is whichever the one before got. */
function takeInherited(
  inherited: InheritedSocket[],
  kind: string,
  { ip, port }: Address,
): { readonly fd: number; readonly port: number } | null {
  const index = inherited.findIndex(
    (each) => each.kind === kind && each.at.ip === ip && (port === 0 || each.at.port === port),
  );
  const [found] = index < 0 ? [] : inherited.splice(index, 1);
  return found === undefined ? null : { fd: found.fd, port: found.at.port };
}

/** Bind once without sharing, close again; what the workers bind then is free. */
async function testBind(wanted: Wanted, reusePort: boolean): Promise<Sockets> {
  const open: { kind: ServiceName; at: Address }[] = [];
  const servers: { close(): void }[] = [];
  try {
    for (const { kind, at } of wanted) {
      const server = createServer();
      const port = await new Promise<number>((resolve, reject) => {
        server.once("error", (error) => reject(bindError(error, at)));
        server.listen({ port: at.port, ...(at.ip === "" ? {} : { host: at.ip }), exclusive: true }, () => {
          const address = server.address();
          resolve(typeof address === "object" && address !== null ? address.port : at.port);
        });
      });
      servers.push(server);
      open.push({ kind, at: { ip: at.ip, port } });
    }
  } finally {
    for (const server of servers) server.close();
  }
  return {
    listening: open,
    fds: [],
    specs: () => open.map(({ kind, at }) => ({ service: kind, at, fd: -1, reusePort })),
    close() {},
  };
}

/** The operator's error for a failed bind: names the address, the cause, and the process that holds the port. */
export function bindError(error: unknown, at: Address, flag = "--listen", over: Transport = "tcp"): EdgeError {
  const code = codeOf(error);
  if (code !== "EADDRINUSE") return listenError(at, code, error);
  const holder = portHolder(at, over);
  if (holder === null) return cannotListen(at, "the port is held by another process", "run as root to see which");
  const { command, pid, unit } = holder;
  if (pid === process.pid)
    return cannotListen(at, "edge-lb itself listens there", `choose another address with ${flag}`);
  return cannotListen(
    at,
    `the port is held by ${command} (pid ${pid}${unit === null ? "" : `, ${unit}`})`,
    `stop it (${stopLine(holder)}), or choose another address with ${flag}`,
  );
}
