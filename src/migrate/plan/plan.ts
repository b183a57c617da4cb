/** From the proxies of an haproxy.cfg to listeners, routes, pools and clusters, and to the configuration that serves them. */
import { BASE, GLOBAL } from "../../config/options.ts";
import type { Source } from "../source/configuration.ts";
import type { Bind } from "../source/endpoints.ts";
import type { Ledger } from "../source/ledger.ts";
import type { Proxy } from "../source/proxies.ts";
import { importCluster } from "./cluster-options.ts";
import { chooseDefault } from "./default-cluster.ts";
import { groupUnits, type Group } from "./groups.ts";
import { optionTexts, type Imported } from "./imported.ts";
import { roleOf, type Entry } from "./listeners.ts";
import { redirects } from "./redirects.ts";
import { routesOf, type Route } from "./routes.ts";
import { adminOptions, allowOptions, limitOptions, listenOptions, logOptions } from "./settings.ts";
import { withoutShadowed } from "./shadows.ts";
import { timeoutOptions } from "./timeouts.ts";
import { unitsOf, type Unit } from "./units.ts";

/** What the file says, step by step; what the plan and the report are made from. */
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

/** @param domain Of the one cluster whose names the file does not tell, or null. */
export function readParts(source: Source, domain: string | null, ledger: Ledger): Parts {
  const { entries, others, stats } = sortListeners(source);
  const every = entries.flatMap((entry) => routesOf(source, entry, ledger));
  const routes = withoutShadowed(source, every, ledger);
  const units = unitsOf(routes);
  return { source, entries, others, stats, routes, units, groups: groupUnits(units, domain) };
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

/** The configuration that serves the same clusters. */
export function planImport({ source, entries, stats, units, groups }: Parts, ledger: Ledger): Imported {
  const claims = new Map<string, string>();
  const clusters = groups.map((group) =>
    importCluster(group, { redirects: redirects(source, entries, group) }, claims, ledger),
  );
  const settings = [
    ...listenOptions(entries, ledger),
    ...optionTexts(GLOBAL.defaultCluster, chooseDefault(groups, ledger)),
    ...limitOptions(source, ledger),
    ...allowOptions(entries, ledger),
    ...timeoutOptions(source, units, stats, ledger),
    ...logOptions(source, ledger),
    ...adminOptions(stats, ledger),
  ];
  return hoistChecks({ settings, clusters });
}

/** What every cluster says alike about probes is said once. */
function hoistChecks({ settings, clusters }: Imported): Imported {
  const shared = [BASE.rise, BASE.fall, BASE.intervalMs].flatMap((option) => {
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
