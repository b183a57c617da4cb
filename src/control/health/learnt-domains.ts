/** Domains that were not given: learnt from what the ingress nodes of a cluster show, by most votes. */
import type { ClusterConfig } from "../../config/model.ts";
import { electDomains, type Owners } from "../../core/health/identity.ts";
import type { EventLog } from "../log/event-log.ts";

export interface LearntDomains {
  /** Those with a given domain learn none. */
  setClusters(clusters: readonly ClusterConfig[]): void;
  /** What one ingress node shows now; null: nothing that names a domain. */
  vote(node: string, cluster: string, domain: string | null): void;
  /** Count, if anybody voted since. @returns whether a domain changed */
  elect(): boolean;
  /** By cluster. */
  learnt(): ReadonlyMap<string, string>;
  /** Words for clusters whose nodes disagree, by cluster; a domain that is another cluster's is no disagreement. */
  divisions(whose: Owners): ReadonlyMap<string, string>;
}

interface Vote {
  readonly cluster: string;
  readonly domain: string;
}

export function createLearntDomains(log: EventLog): LearntDomains {
  const votes = new Map<string, Vote>();
  let learnt: ReadonlyMap<string, string> = new Map();
  let given: ReadonlySet<string> = new Set();
  let seekers: readonly string[] = [];
  let voted = false;
  return {
    setClusters(clusters) {
      given = new Set(clusters.flatMap(({ domain }) => domain ?? []));
      seekers = clusters.filter(({ domain }) => domain === null).map(({ name }) => name);
      const seeking = new Set(seekers);
      learnt = new Map([...learnt].filter(([cluster]) => seeking.has(cluster)));
      voted = true; // a domain may have been given to another cluster
    },
    vote(node, cluster, domain) {
      if (domain === (votes.get(node)?.domain ?? null)) return;
      if (domain === null) votes.delete(node);
      else votes.set(node, { cluster, domain });
      voted = true;
    },
    elect() {
      if (!voted) return false;
      voted = false;
      const counts = tally(votes);
      const before = learnt;
      learnt = electDomains(
        seekers.map((cluster) => ({
          cluster,
          standing: before.get(cluster) ?? null,
          votes: counts.get(cluster) ?? new Map<string, number>(),
        })),
        given,
      );
      return tellChanges(before, learnt, log);
    },
    learnt: () => learnt,
    divisions(whose) {
      const texts = new Map<string, string>();
      const counts = tally(votes);
      for (const cluster of seekers) {
        const text = divisionText(counts.get(cluster) ?? new Map<string, number>(), learnt.get(cluster) ?? null, whose);
        if (text !== null) texts.set(cluster, text);
      }
      return texts;
    },
  };
}

/** How many nodes show which domain, by cluster. */
function tally(votes: ReadonlyMap<string, Vote>): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const { cluster, domain } of votes.values()) {
    const own = counts.get(cluster) ?? new Map<string, number>();
    counts.set(cluster, own.set(domain, (own.get(domain) ?? 0) + 1));
  }
  return counts;
}

/** @returns whether anything changed */
function tellChanges(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>, log: EventLog): boolean {
  let changed = false;
  for (const [cluster, domain] of now) {
    const was = before.get(cluster);
    if (was === domain) continue;
    changed = true;
    const instead = was === undefined ? "" : ` instead of ${was}`;
    const text = `${cluster}: domain ${domain}${instead}, learnt from the certificate its ingress shows`;
    log.info("domain", text, { cluster, domain });
  }
  for (const [cluster, domain] of before) {
    if (now.has(cluster)) continue;
    changed = true;
    log.warn("domain", `${cluster}: domain ${domain} is another cluster's and no longer learnt`, { cluster, domain });
  }
  return changed;
}

function divisionText(counts: ReadonlyMap<string, number>, own: string | null, whose: Owners): string | null {
  const others = [...counts].filter(
    ([domain]) => domain !== own && whose.of({ names: [`*.apps.${domain}`] }).size === 0,
  );
  if (others.length === 0) return null;
  const shown = others.map(([domain, count]) => `${domain} (${count} ${count === 1 ? "node" : "nodes"})`).join(", ");
  return own === null
    ? `its ingress certificates name ${shown}, which does not tell its domain; give it with domain=`
    : `its domain was learnt to be ${own}, but its ingress also shows ${shown}; give it with domain= if that is wrong`;
}
