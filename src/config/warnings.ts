/** What works and is likely not meant: `check` and the start say it. */
import { isPrivate, listenText } from "./values/addresses.ts";
import { adminYieldsTo, yieldText } from "./own-sockets.ts";
import type { Config } from "./model.ts";
import { CLUSTER } from "./options/cluster-options.ts";
import { durationText } from "./values/values.ts";

export function configWarnings(config: Config): readonly string[] {
  const taken = adminYieldsTo(config);
  return [...passwordInClear(config), ...(taken === null ? [] : [yieldText(config, taken)]), ...sleepless(config)];
}

function passwordInClear({ admin, adminAuth }: Pick<Config, "admin" | "adminAuth">): readonly string[] {
  if (admin === null || adminAuth === null || isPrivate(admin.ip)) return [];
  return [
    `the password of the status page at ${listenText(admin)} crosses networks unencrypted (HTTP): whoever can listen on the way reads it; ` +
      "take a private address, or 127.0.0.1 and ssh -L or a proxy that speaks TLS",
  ];
}

/** The default says nothing: a file may well write it down. */
const USUAL = String(CLUSTER.sleepAfterMs.fallback);

function sleepless({ clusters }: Pick<Config, "clusters">): readonly string[] {
  const odd = clusters.filter(({ sleep, sleepAfterMs }) => sleep === null && durationText(sleepAfterMs) !== USUAL);
  return odd.map(({ name }) => `cluster ${name} has sleep-after and nothing that puts it to sleep: add sleep=PROGRAM`);
}
