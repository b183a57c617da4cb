/** Why nothing of a file could be imported. */
import { backendNames } from "../routes/candidates.ts";
import type { Parts } from "../plan/plan.ts";
import { findBackend, type Source } from "../source/configuration.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";

/** One reason for each frontend; frontends with one reason together. */
export function whyNothing({ source, others, stats }: Pick<Parts, "source" | "others" | "stats">): string {
  const fronts = source.proxies.filter(({ section, binds }) => section.kind !== "backend" && binds.length > 0);
  if (fronts.length === 0) return "no frontend with an address found";
  const reasons = new Map<string, string[]>();
  for (const proxy of fronts) {
    const role = others.find((other) => other.proxy === proxy)?.role ?? null;
    const why = stats.includes(proxy)
      ? "a statistics page"
      : (leadsNowhere(source, proxy) ?? ROLE_WORDS[role ?? "names"]);
    reasons.set(why, [...(reasons.get(why) ?? []), proxy.name]);
  }
  return `no frontend leads to a cluster's servers (${[...reasons].map(([why, names]) => `${names.join(", ")}: ${why}`).join("; ")})`;
}

const ROLE_WORDS = {
  "tls-ends-here": "TLS ends there",
  sample: "the example that the haproxy package ships",
  other: "not a port or protocol of clusters",
  names: "its rules depend on more than the name asked for",
} as const;

/** Null: it leads to servers. */
function leadsNowhere(source: Source, proxy: Proxy): string | null {
  const names = backendNames(source, proxy);
  const backends = [...names.flatMap((name) => findBackend(source, name) ?? []), proxy];
  if (backends.some((backend) => usableServers(backend).length > 0)) return null;
  const [name] = names;
  if (name === undefined) return "no backend and no server";
  if (findBackend(source, name) === null) return `there is no backend ${name}`;
  const what = proxy.defaultBackend?.name === name ? "default_backend" : "backend";
  return `${what} ${name} has none that edge-lb can use`;
}
