/** DNS rebinding: a web page whose name was made to lead to this machine would read the status through its visitor's browser. */
import { canonicalIp } from "../core/address.ts";

/** Whether a Host field names no name but `localhost`. Without the field no browser asks. */
export function isOwnHost(host: string | undefined): boolean {
  if (host === undefined) return true;
  const bare = /^\[([^\]]*)\](?::\d*)?$/.exec(host)?.[1] ?? host.replace(/:\d*$/, "");
  return canonicalIp(bare) !== null || bare.toLowerCase().replace(/\.$/, "") === "localhost";
}
