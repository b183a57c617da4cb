/** Whether somebody on this machine reads what is sent to a log target. */
import type { LogTarget } from "../../config/values/log-target.ts";
import { codeOf } from "../../errors.ts";
import type { Io } from "../terminal/io.ts";

/** Where Linux lists UDP sockets. */
const TABLES = ["/proc/net/udp", "/proc/net/udp6"];

/** What another machine reads cannot be seen from here: it was named on purpose. */
export function isLogRead(io: Io, target: LogTarget): boolean {
  switch (target.kind) {
    case "stderr":
    case "file":
      return true;
    case "unix":
      return exists(io, target.path);
    case "udp":
      return !isLocal(target.host) || TABLES.some((table) => hasPort(read(io, table), target.port));
  }
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** A line's second word is `ADDRESS:PORT`, both in hexadecimal. */
function hasPort(table: string, port: number): boolean {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return table.split("\n").some((line) => line.trim().split(/\s+/)[1]?.split(":")[1] === wanted);
}

function read(io: Io, path: string): string {
  try {
    return io.readFile(path);
  } catch {
    return "";
  }
}

/** A socket cannot be read as a file, but says so. */
function exists(io: Io, path: string): boolean {
  try {
    io.readFile(path);
    return true;
  } catch (error) {
    return codeOf(error) !== "ENOENT";
  }
}
