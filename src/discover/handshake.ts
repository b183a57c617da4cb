/** One connection to a machine that may be a node: the certificate that it shows, closed politely. */
import { closePolitely, deadline, noProgress, openSocket } from "../control/probe/socket.ts";
import type { Shown } from "../core/discover/sighting.ts";
import type { Address } from "../seam/snapshot.ts";
import { codeOf } from "../errors.ts";

/** In one network a machine that is there answers within milliseconds. */
const CONNECT_MS = 500;
/** A small VM that just boots needs this for a handshake. */
const HANDSHAKE_MS = 3_000;

/** What one connection gave. */
export interface Shaken {
  /** Null: the handshake did not end well. */
  readonly shown: Shown | null;
  /** Somebody is there, if only to refuse. */
  readonly answered: boolean;
  /** It took all the time that there is, and may do so again. */
  readonly isLate: boolean;
}

/** A finished handshake leaves nothing in the server's log. */
export function shakeHands(at: Address, servername: string | null): Promise<Shaken> {
  const progress = noProgress();
  return new Promise((resolve) => {
    const finish = (error: Error | null, isLate: boolean): void => {
      stopConnecting();
      stopShaking();
      const { certificate } = progress;
      const answered = progress.got !== "nothing" || ["ECONNREFUSED", "ECONNRESET"].includes(codeOf(error) ?? "");
      resolve({ shown: error === null ? certificate : null, answered, isLate });
      if (error === null) closePolitely(socket);
      else socket.destroy();
    };
    const tls = { servername, alpn: ["http/1.1"] };
    const socket = openSocket({ at, tls }, progress, (error) => finish(error, false));
    const stopConnecting = deadline(CONNECT_MS, (error) => progress.got === "nothing" && finish(error, true));
    const stopShaking = deadline(HANDSHAKE_MS, (error) => finish(error, true));
  });
}
