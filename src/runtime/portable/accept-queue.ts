/** Who waits to be accepted, as the Linux kernel shows it: socket APIs do not say. */
import { fstatSync, openSync, readSync } from "node:fs";

const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/** The kernel gives about as much with one read. */
const PAGE_BYTES = 4_096;
const LISTENING = "0A";

/** To be called while descriptors are free: there may be none when it matters. */
export function openQueues(): void {
  try {
    if (tables.length === 0) tables = TABLES.map((path) => openSync(path, "r"));
  } catch {
    // no such system
  }
}

/**
 * Whether clients wait at a listening socket; false also where no system says so.
 * @param fd Negative: the engine does not show it, and the port has to tell, should only one socket have it.
 */
export function clientsWait(fd: number, port: number): boolean {
  try {
    const all = tables.flatMap(listeners);
    const own = fd >= 0 ? withInode(all, fstatSync(fd).ino) : withPort(all, port);
    return own.length === 1 && own.some((line) => waiting(line) > 0);
  } catch {
    return false; // no such system
  }
}

/** Open for good. */
let tables: readonly number[] = [];

function withInode(all: readonly Line[], inode: number): readonly Line[] {
  return all.filter((line) => line[INODE] === String(inode));
}

function withPort(all: readonly Line[], port: number): readonly Line[] {
  return all.filter((line) => Number.parseInt(line[LOCAL]?.split(":")[1] ?? "", 16) === port);
}

type Line = readonly string[];
/** Columns of a line: number, local, remote, state, queues (out:in), timer, retransmits, user, timeout, inode. */
const [LOCAL, STATE, QUEUES, INODE] = [1, 3, 4, 9];

/** Of a listening socket, the second queue counts those who wait. */
function waiting(line: Line): number {
  return Number.parseInt(line[QUEUES]?.split(":")[1] ?? "", 16);
}

/** The listening sockets, which come first: connections may be many, and are not read. */
function listeners(table: number): Line[] {
  const page = Buffer.allocUnsafe(PAGE_BYTES);
  const found: Line[] = [];
  let rest = "";
  for (let at = 0; ;) {
    const count = readSync(table, page, 0, PAGE_BYTES, at);
    at += count;
    const lines = (rest + page.toString("latin1", 0, count)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const columns = line.trim().split(/\s+/);
      if (columns[STATE] === LISTENING) found.push(columns);
      else if (columns[0] !== "sl") return found;
    }
    if (count === 0) return found;
  }
}
