/** Root is wanted to bind low ports, and for nothing that comes after: then the process becomes another user. */
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Config } from "../../config/model.ts";
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import type { Engine } from "../../seam/mail.ts";
import type { EventLog } from "../log/event-log.ts";

/** Who serves when there is such a user and nobody said otherwise. */
const USUAL_USER = "edge-lb";
const NET_BIND_SERVICE = 10;
const NET_ADMIN = 12;

interface User {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * To be called once every address is bound and before the first worker starts.
 * @returns who this process is now; null: it was not root's and needs no word
 * @throws EdgeError when it cannot be the user that was asked for
 */
export async function dropRoot(config: Config, engine: Engine, log: EventLog): Promise<string | null> {
  const isRoot = process.geteuid?.() === 0;
  const wanted = config.user;
  if (!isRoot) {
    if (wanted !== null && findUser(wanted)?.uid !== process.geteuid?.())
      throw cannot(wanted, "root starts edge-lb for that");
    return wanted;
  }
  if (wanted === "root") return wanted;
  const obstacle = await becomeOther(config, engine, wanted ?? USUAL_USER);
  if (obstacle === null) return wanted ?? USUAL_USER;
  if (wanted !== null) throw cannot(wanted, obstacle);
  // without such a user nothing was expected
  if (findUser(USUAL_USER) !== null) log.warn("user", `runs as root and not as ${USUAL_USER}: ${obstacle}`);
  return "root";
}

/** What a start would refuse of `--user`, as far as this process can tell. @throws EdgeError */
export function requireUser({ user, file, engine }: Pick<Config, "user" | "file" | "engine">): void {
  if (user === null || user === "root") return;
  const found = findUser(user);
  if (found === null) throw cannot(user, NO_USER);
  if (process.geteuid?.() !== 0) return; // who starts it is not known
  if (engine === "node") throw cannot(user, NO_ENGINE);
  if (file !== null && !canRead(found, file)) throw cannot(user, unreadable(file));
}

const NO_USER = "there is no such user in /etc/passwd";
const NO_ENGINE = "engine linux or bun is wanted for that";

function unreadable(file: string): string {
  return `it cannot read ${file}, which a reload needs`;
}

/** @returns why not; null: done */
async function becomeOther(config: Config, engine: Engine, name: string): Promise<string | null> {
  const user = findUser(name);
  if (user === null) return NO_USER;
  if (process.platform !== "linux" || engine === "node") return NO_ENGINE;
  if (config.file !== null && !canRead(user, config.file)) return unreadable(config.file);
  const { becomeUser } = await import("../../runtime/kernel/credentials.ts");
  const isTransparent = config.clusters.some(({ source }) => source === "client");
  const kept = isTransparent ? [NET_BIND_SERVICE, NET_ADMIN] : [NET_BIND_SERVICE];
  if (becomeUser(user, kept)) return null;
  throw cannot(name, "the system refused");
}

function canRead({ uid, gid }: User, path: string): boolean {
  try {
    process.setegid?.(gid);
    process.seteuid?.(uid);
    closeSync(openSync(path, "r"));
    return true;
  } catch {
    return false;
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

function findUser(name: string): User | null {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${name}:`));
  const [user, , uid, gid] = line?.split(":") ?? [];
  return user === undefined ? null : { user, uid: Number(uid), gid: Number(gid) };
}

function cannot(user: string, why: string): EdgeError {
  return new EdgeError("CONFIG_INVALID", `Cannot run as user ${quote(user)}: ${why}`, { where: `--user ${user}` });
}
