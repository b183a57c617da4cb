/** From the proxies of an haproxy.cfg to listeners, routes, pools and clusters, and to the configuration that serves them. */
import type { LogTarget } from "../../config/values/log-target.ts";
import type { Option } from "../../config/options/option.ts";
import { BASE, GLOBAL, settingsWith } from "../../config/options/options.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { Source } from "../source/configuration.ts";
import type { Ledger, Note } from "../source/ledger.ts";
import { acceptProxyOptions } from "./accept-proxy.ts";
import { allowOptions, clusterAllow } from "./allow-lists.ts";
import { findCatchAlls, takesRest, type CatchAlls } from "./catch-alls.ts";
import { clientLimitOptions, clusterLimitOptions } from "./connection-limits.ts";
import { importCluster, type ClusterFacts } from "./cluster-options.ts";
import { groupUnits, type GivenDomain, type Group, type Grouping } from "./groups.ts";
import { optionTexts, type Imported, type OptionTexts } from "./imported.ts";
import { sortListeners, type Listeners } from "../routes/listeners.ts";
import { splitIngress } from "./ingress-split.ts";
import { redirects } from "./redirects.ts";
import { routesOf, type EntryRoutes, type Route } from "../routes/routes.ts";
import { adminOptions, limitOptions, listenOptions, logOptions } from "./settings.ts";
import { StandInDomains } from "./stand-in-domains.ts";
import { timeoutOptions } from "./timeouts.ts";
import { unitsOf, type Unit } from "./units.ts";
import { isFurther, servicesOf } from "../routes/services.ts";

/** What the file says, step by step; what the plan and the report are made from. */
export interface Parts extends Listeners {
  readonly source: Source;
  /** What each entry does, as found by asking. */
  readonly surveys: readonly EntryRoutes[];
  readonly routes: readonly Route[];
  readonly units: readonly Unit[];
  readonly groups: readonly Group[];
  readonly catchAlls: CatchAlls;
  readonly unusedDomains: Grouping["unused"];
}

/** All that an import has found and decided. */
export interface ImportResult extends Parts {
  readonly imported: Imported;
  readonly notes: readonly Note[];
}

/** @param domains Of clusters whose names the file does not tell. */
export function readParts(source: Source, domains: readonly GivenDomain[]): Parts {
  const listeners = sortListeners(source);
  const surveys = listeners.entries.map((entry) => routesOf(source, entry));
  const routes = surveys.flatMap((survey) => survey.routes);
  const units = unitsOf(source, routes);
  const { groups: whole, unused } = groupUnits(units, domains);
  const groups = splitIngress(source, surveys, whole);
  return {
    source,
    ...listeners,
    surveys,
    routes,
    units,
    groups,
    catchAlls: findCatchAlls(surveys, groups),
    unusedDomains: unused,
  };
}

/** The configuration that serves the same clusters. */
export function planImport(parts: Parts, ledger: Ledger, isRead: (target: LogTarget) => boolean): Imported {
  const { source, entries, stats, units, groups } = parts;
  const claims = new Map<string, string>();
  const clusters = groups.map((group) => importCluster(group, factsOf(parts, group, ledger), claims, ledger));
  const settings = [
    ...listenOptions(entries, ledger),
    ...defaultOptions(parts.catchAlls),
    ...limitOptions(source, ledger),
    ...clientLimitOptions(entries, ledger),
    ...allowOptions(entries, ledger),
    ...acceptProxyOptions(entries, ledger),
    ...timeoutOptions(source, units, stats, ledger),
    ...logOptions(source, isRead, ledger),
    ...adminOptions(stats, ledger),
  ];
  return hoistChecks({ settings, clusters });
}

function factsOf({ source, entries, surveys, catchAlls }: Parts, group: Group, ledger: Ledger): ClusterFacts {
  return {
    standIns: new StandInDomains(source, surveys, catchAlls).of(group),
    services: servicesOf(entries),
    listening: new Set(entries.map(({ kind }) => kind)),
    redirects: redirects(source, entries, group),
    takesNames: takesRest(catchAlls, group, "https") || takesRest(catchAlls, group, "http"),
    takesApiNames: takesRest(catchAlls, group, "api"),
    takesRest: new Set([...catchAlls.keys()].filter((kind) => isFurther(kind) && takesRest(catchAlls, group, kind))),
    limits: [...clusterAllow(source, group, ledger), ...clusterLimitOptions(group, ledger)],
  };
}

/** One for all services where they agree, else one for each. */
function defaultOptions(catchAlls: CatchAlls): OptionTexts[] {
  const takers = [...catchAlls]
    .filter(([kind]) => kind !== "mcs")
    .map(([kind, { nameless }]) => ({ kind, name: nameless?.name }));
  const names = new Set(takers.map(({ name }) => name));
  const [first] = names;
  if (names.size <= 1) return optionTexts(GLOBAL.defaultCluster, first === undefined ? [] : [first]);
  const { defaults } = settingsWith([...catchAlls.keys()].filter(isFurther));
  const options: Readonly<Partial<Record<ServiceName, Option<unknown>>>> = defaults;
  return takers.flatMap(({ kind, name }) => {
    const option = options[kind];
    return option === undefined || name === undefined ? [] : optionTexts(option, [name]);
  });
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
