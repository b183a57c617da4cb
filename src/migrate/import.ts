/** From an haproxy.cfg to a configuration of edge-lb and a report on every line of the source. Pure. */
import { GLOBAL } from "../config/options.ts";
import { importCluster } from "./plan/cluster-options.ts";
import { chooseDefault } from "./plan/default-cluster.ts";
import { groupUnits, type Group } from "./plan/groups.ts";
import { optionTexts, type Imported } from "./plan/imported.ts";
import { roleOf, type Entry } from "./plan/listeners.ts";
import { redirects } from "./plan/redirects.ts";
import { routesOf, type Route } from "./plan/routes.ts";
import { withoutShadowed } from "./plan/shadows.ts";
import { adminRows, allowRows, limitRows, listenRows, logRows } from "./plan/settings.ts";
import { timeoutRows } from "./plan/timeouts.ts";
import { unitsOf, type Unit } from "./plan/units.ts";
import { noteEverythingElse } from "./report/line-notes.ts";
import { openLedger, type Ledger, type Note } from "./report/ledger.ts";
import { findMistakes } from "./report/mistakes.ts";
import { noteRoutes } from "./report/route-notes.ts";
import { readSource, type Source } from "./source/configuration.ts";
import type { Bind } from "./source/endpoints.ts";
import type { Proxy } from "./source/proxies.ts";
import type { ReadSide } from "./source/samples.ts";

export interface ImportInput {
  /** Name of the source for messages. */
  readonly file: string;
  readonly text: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Files of `-f` and of maps. */
  readonly readSide: ReadSide;
  /** Domain of the one cluster whose names the source does not tell, or null. */
  readonly domain: string | null;
}

export interface ImportResult {
  readonly source: Source;
  readonly entries: readonly Entry[];
  readonly units: readonly Unit[];
  readonly groups: readonly Group[];
  readonly imported: Imported;
  readonly notes: readonly Note[];
}

/** @throws EdgeErrors CONFIG_UNREADABLE with `file:line:column` */
export function importHaproxy(input: ImportInput): ImportResult {
  const source = readSource(input.file, input.text, input);
  const ledger = openLedger();
  const { entries, others, stats } = sortListeners(source);
  const routes = entries.flatMap((entry) => routesOf(source, entry, ledger));
  const kept = withoutShadowed(source, routes, ledger);
  const units = unitsOf(kept);
  const groups = groupUnits(units, input.domain);
  const parts: Parts = { source, entries, others, stats, routes: kept, units, groups };
  const imported = plan(parts, ledger);
  noteRoutes(parts, ledger);
  findMistakes(parts, ledger);
  noteEverythingElse(parts, ledger);
  return { source, entries, units, groups, imported, notes: ledger.notes };
}

/** What the steps of an import hand on. */
export interface Parts {
  readonly source: Source;
  readonly entries: readonly Entry[];
  /** Frontends that are no listener of clusters, with the reason. */
  readonly others: readonly { readonly proxy: Proxy; readonly role: "tls-ends-here" | "other" }[];
  readonly stats: readonly Proxy[];
  readonly routes: readonly Route[];
  readonly units: readonly Unit[];
  readonly groups: readonly Group[];
}

function sortListeners(source: Source): Pick<Parts, "entries" | "others" | "stats"> {
  const entries = new Map<string, Entry & { binds: Bind[] }>();
  const others: Parts["others"][number][] = [];
  const stats: Proxy[] = [];
  for (const proxy of source.proxies) {
    for (const bind of proxy.binds) {
      const role = roleOf(source, proxy, bind);
      const key = `${proxy.name} ${role} ${proxy.acls.size > 0 ? bind.port : ""}`;
      if (role === "stats") stats.push(proxy);
      else if (role === "other" || role === "tls-ends-here") others.push({ proxy, role });
      else if (entries.has(key)) entries.get(key)?.binds.push(bind);
      else entries.set(key, { proxy, kind: role, binds: [bind] });
    }
  }
  return { entries: [...entries.values()], others, stats: [...new Set(stats)] };
}

function plan({ source, entries, stats, units, groups }: Parts, ledger: Ledger): Imported {
  const claims = new Map<string, string>();
  const clusters = groups.map((group) =>
    importCluster(group, { redirects: redirects(source, entries, group) }, claims, ledger),
  );
  const settings = [
    ...listenRows(entries, ledger),
    ...optionTexts(GLOBAL.defaultCluster, chooseDefault(groups, ledger)),
    ...limitRows(source, ledger),
    ...allowRows(entries, ledger),
    ...timeoutRows(source, units, stats, ledger),
    ...logRows(source, ledger),
    ...adminRows(stats, ledger),
  ];
  return hoistChecks({ settings, clusters });
}

/** What every cluster says alike about probes is said once. */
function hoistChecks({ settings, clusters }: Imported): Imported {
  const shared = [GLOBAL.rise, GLOBAL.fall, GLOBAL.intervalMs].flatMap((option) => {
    const texts = new Set(
      clusters.map((cluster) => cluster.options.find((one) => one.option.item === option.flag)?.texts[0]),
    );
    const [only] = texts;
    return texts.size === 1 && only !== undefined ? [{ option, text: only }] : [];
  });
  const flags = new Set<string | null>(shared.map(({ option }) => option.flag));
  return {
    settings: [...settings, ...shared.flatMap(({ option, text }) => optionTexts(option, [text]))],
    clusters: clusters.map(({ group, options }) => ({
      group,
      options: options.filter((one) => !flags.has(one.option.item)),
    })),
  };
}
