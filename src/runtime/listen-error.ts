import { formatEndpoint } from "../core/address.ts";
import { EdgeError } from "../errors.ts";
import type { Address } from "../seam/snapshot.ts";

/** The operator's error for an address that cannot be listened on; `code` is an errno name. */
export function listenError(at: Address, code: string | undefined, cause: unknown): EdgeError {
  const [why, hint] = explain(code, cause);
  return cannotListen(at, why, hint, cause);
}

/** Every address that cannot be listened on is told in these words. */
export function cannotListen(at: Address, why: string, hint?: string, cause?: unknown): EdgeError {
  const where = formatEndpoint(at.ip === "::" ? "" : at.ip, at.port);
  return new EdgeError("LISTEN_FAILED", `Cannot listen on ${where}: ${why}`, { hint, cause });
}

function explain(code: string | undefined, cause: unknown): [why: string, hint: string | undefined] {
  switch (code) {
    case "EADDRINUSE":
      return ["address in use", undefined];
    case "EACCES":
    case "EPERM":
      return ["permission denied", "run with sudo or setcap cap_net_bind_service=+ep"];
    case "EADDRNOTAVAIL":
      return ["this machine does not have that address", "see `ip address`"];
    case "EMFILE":
    case "ENFILE":
      return ["no descriptor is free", "raise the limit of open files"];
    default:
      return [code ?? (cause instanceof Error ? cause.message : String(cause)), undefined];
  }
}
