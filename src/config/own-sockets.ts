/** Two of edge-lb's own sockets cannot share an address: listeners, DNS and the status page are held to one rule. */
import { listenersOf, ownText, type ListeningConfig, type OwnListener } from "./clusters/own-listeners.ts";
import { listenOf, settingOf } from "./clusters/service-settings.ts";
import type { Config } from "./model.ts";
import { GLOBAL, type Settings } from "./options/options.ts";
import type { Option } from "./options/option.ts";
import { LISTEN } from "./options/service-options.ts";
import { listenText, sameSocket } from "./values/addresses.ts";
import type { Problems } from "./values/text.ts";

interface Bound extends OwnListener {
  readonly where: string;
}

/** Reports listeners that share an address; and someone must be listened to. */
export function checkListeners(
  config: Config,
  options: Settings,
  placeOf: (option: Option<unknown>) => string,
  problems: Problems,
): void {
  const all: Bound[] = config.services.flatMap(({ name }) => {
    const where = placeOf(settingOf(options.listen, name) ?? LISTEN.api);
    return listenOf(config, { name }).map((at) => ({ label: name, at, where }));
  });
  if (all.length === 0) problems.add("--listen", "Cannot start: every listener is off, at least 1 wanted");
  all.push(...config.dns.map((at) => ({ label: "dns", at, where: placeOf(GLOBAL.dns) })));
  // the usual address gives way: edge-lb runs without a status page then, and says so
  if (config.admin !== null && config.adminGiven)
    all.push({ label: "admin", at: config.admin, where: placeOf(GLOBAL.admin) });
  for (const [index, each] of all.entries()) {
    const other = all.slice(0, index).find((earlier) => clash(earlier, each));
    if (other === undefined) continue;
    const { label, at, where } = each;
    const found = `${other.label} has ${listenText(other.at)} already`;
    problems.add(where, `Cannot use ${listenText(at)} for ${label}: ${found}`);
  }
}

function clash(a: OwnListener, b: OwnListener): boolean {
  // of a wildcard, DNS takes the addresses that are left
  if (a.label === "dns" && b.label === "dns") return a.at.ip === b.at.ip && sameSocket(a.at, b.at);
  return sameSocket(a.at, b.at);
}

/** @returns who has the usual admin address, which gives way; null: nobody of edge-lb */
export function adminYieldsTo(config: ListeningConfig): OwnListener | null {
  const { admin, adminGiven } = config;
  if (admin === null || adminGiven) return null;
  return listenersOf({ ...config, admin: null }).find(({ at }) => sameSocket(at, admin)) ?? null;
}

/** What the operator reads of it. */
export function yieldText({ admin }: ListeningConfig, other: OwnListener): string {
  const usual = admin === null ? "" : listenText(admin);
  return `no status page: ${ownText(other)} has its usual address ${usual}; choose another with --admin ADDR:PORT, or --admin off to be rid of this line`;
}
