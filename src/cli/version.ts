/** `edge-lb version`. */
import manifest from "../../package.json" with { type: "json" };
import type { Io } from "./io.ts";

export function printVersion(io: Io): number {
  io.out(`edge-lb ${manifest.version}\n`);
  return 0;
}
