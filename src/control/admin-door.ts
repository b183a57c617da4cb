/** The admin plane as control sees it: what it may read, and the address it listens on. */
import type { ListenAddress } from "../config/values/addresses.ts";
import { adminYieldsTo } from "../config/own-sockets.ts";
import type { Config } from "../config/model.ts";
import { formatEndpoint } from "../core/address.ts";
import { EdgeError } from "../errors.ts";
import type { Board } from "../seam/board.ts";
import type { Service } from "../seam/services.ts";
import type { Instance } from "./api/instance.ts";
import type { EventLog } from "./log/event-log.ts";

/** What the admin plane may see. */
export interface AdminAccess {
  readonly instance: Instance;
  readonly board: Board;
  readonly services: readonly Service[];
  readonly auth: Config["adminAuth"];
  readonly log: EventLog;
  /** Ends open event streams. */
  readonly signal: AbortSignal;
}

export interface AdminListener {
  readonly at: ListenAddress;
  close(): void;
}

/**
 * Control does not know what the admin plane shows.
 * @param fds Sockets that were passed for it; without any it listens at `at`. @throws EdgeError LISTEN_FAILED
 */
export type OpenAdmin = (at: ListenAddress, access: AdminAccess, fds: readonly number[]) => Promise<AdminListener>;

/**
 * The usual address may be taken by something else of this machine: that is no reason not to serve clusters.
 * @returns null when there is none
 * @throws EdgeError when the operator asked for an address that cannot be listened on
 */
export async function takeAdmin(
  open: OpenAdmin,
  config: Config,
  access: AdminAccess,
  fds: readonly number[] = [],
): Promise<AdminListener | null> {
  const { log } = access;
  const { admin: at, adminGiven } = config;
  if (at === null || adminYieldsTo(config) !== null) return null; // the start has told it
  try {
    const admin = await open(at, access, fds);
    log.info("admin", `status page at ${urlOf(admin.at)}`, { port: admin.at.port });
    return admin;
  } catch (error) {
    if (!(error instanceof EdgeError) || adminGiven) throw error;
    log.warn("admin", `no status page: ${error.message}`);
    return null;
  }
}

export function urlOf({ ip, port }: ListenAddress): string {
  return `http://${formatEndpoint(ip === "" ? "127.0.0.1" : ip, port)}/`;
}
