/** What works and is likely not meant: `check` and the start say it. */
import { isPrivate, listenText } from "./values/addresses.ts";
import type { Config } from "./model.ts";

export function configWarnings({ admin, adminAuth }: Pick<Config, "admin" | "adminAuth">): readonly string[] {
  if (admin === null || adminAuth === null || isPrivate(admin.ip)) return [];
  return [
    `the password of the status page at ${listenText(admin)} crosses networks unencrypted (HTTP): whoever can listen on the way reads it; ` +
      "take a private address, or 127.0.0.1 and ssh -L or a proxy that speaks TLS",
  ];
}
