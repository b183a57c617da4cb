/** The C library is asked for datagram sockets only where it can be loaded. */
import type { UnixDatagram } from "./unix-datagram.ts";

/** Null: not Linux, not Bun, or no C library to call. */
export async function loadUnixDatagram(): Promise<UnixDatagram | null> {
  if (process.platform !== "linux" || process.versions.bun === undefined) return null;
  const { openUnixDatagram } = await import("./unix-datagram.ts");
  return openUnixDatagram();
}
