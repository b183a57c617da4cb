/** Listening sockets on their way from the old process to the new one. */
import type { PassedSocket } from "../../config/options/option.ts";
import type { CarriedSocket } from "../../handover/messages.ts";
import type { InheritedSocket, Sockets } from "../serve/listening.ts";

export interface GivenSocket extends CarriedSocket {
  readonly fd: number;
}

/**
 * All that clients and operators come in at, and what the service manager listens on.
 * @param control Null: there is none.
 */
export function socketsToGive(
  { listening, fds }: Sockets,
  passed: readonly PassedSocket[],
  control: { readonly path: string; readonly fds: readonly number[] } | null,
): readonly GivenSocket[] {
  const isPassed = new Set(passed.map(({ fd }) => fd));
  const own = listening.flatMap(({ kind, at: { ip, port } }, index) => {
    const fd = fds[index] ?? -1;
    return isPassed.has(fd) ? [] : [{ kind, ip, port, path: null, isPassed: false, fd }];
  });
  const managed = passed.map(({ name: kind, fd, at, path }) => {
    return { kind, ip: at?.ip ?? "", port: at?.port ?? 0, path, isPassed: true, fd };
  });
  const { path = "", fds: doors = [] } = control ?? {};
  const asked = doors
    .filter((fd) => !isPassed.has(fd))
    .map((fd) => ({ kind: CONTROL, ip: "", port: 0, path, isPassed: false, fd }));
  return [...own, ...managed, ...asked];
}

/** No service may be called so. */
const CONTROL = "control";

/** The same as the new process has them. */
export class TakenSockets {
  private readonly sockets: readonly GivenSocket[];

  constructor(sockets: readonly CarriedSocket[], fds: readonly number[]) {
    this.sockets = sockets.map((socket, index) => ({ ...socket, fd: fds[index] ?? -1 }));
  }

  /** Those of services that the old one made itself. */
  get inherited(): readonly InheritedSocket[] {
    return this.sockets
      .filter(({ kind, isPassed }) => !isPassed && kind !== CONTROL)
      .map(({ kind, ip, port, fd }) => ({ kind, at: { ip, port }, fd }));
  }

  /** Those of the service manager. */
  get passed(): readonly PassedSocket[] {
    return this.sockets
      .filter(({ isPassed }) => isPassed)
      .map(({ kind: name, ip, port, path, fd }) => ({ name, fd, at: path === null ? { ip, port } : null, path }));
  }

  /** Of a control socket that the old one made at this path. */
  controlAt(wanted: string): readonly number[] {
    return this.sockets
      .filter(({ kind, isPassed, path }) => kind === CONTROL && !isPassed && path === wanted)
      .map(({ fd }) => fd);
  }
}
