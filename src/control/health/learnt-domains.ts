/** Domains that were not given: learnt from what the ingress nodes of a cluster show, by most votes. */
import type { ClusterConfig } from "../../config/model.ts";
import { electDomains, type Owners } from "../../core/health/identity.ts";
import type { EventLog } from "../log/event-log.ts";

interface Vote {
  readonly cluster: string;
  readonly domain: string;
}

const NO_VOTES: ReadonlyMap<string, number> = new Map();

export class LearntDomains {
  private readonly log: EventLog;
  /** By node. */
  private readonly votes = new Map<string, Vote>();
  private given: ReadonlySet<string> = new Set();
  /** Clusters without a given domain. */
  private seekers: readonly string[] = [];
  /** A vote or a cluster changed since the last election. */
  private changed = false;
  /** By cluster. */
  learnt: ReadonlyMap<string, string> = new Map();

  constructor(log: EventLog) {
    this.log = log;
  }

  /** Those with a given domain learn none. */
  setClusters(clusters: readonly ClusterConfig[]): void {
    this.given = new Set(clusters.flatMap(({ domain }) => domain ?? []));
    this.seekers = clusters.filter(({ domain }) => domain === null).map(({ name }) => name);
    const seeking = new Set(this.seekers);
    this.learnt = new Map([...this.learnt].filter(([cluster]) => seeking.has(cluster)));
    this.changed = true; // a domain may have been given to another cluster
  }

  /** What one ingress node shows now; null: nothing that names a domain. */
  vote(node: string, cluster: string, domain: string | null): void {
    if (domain === null) return this.withdraw(node);
    if (domain === this.votes.get(node)?.domain) return;
    this.votes.set(node, { cluster, domain });
    this.changed = true;
  }

  /** The node votes no more. */
  withdraw(node: string): void {
    if (this.votes.delete(node)) this.changed = true;
  }

  /** Count, if anything changed since. @returns whether a domain changed */
  elect(): boolean {
    if (!this.changed) return false;
    this.changed = false;
    const before = this.learnt;
    const counts = tally(this.votes);
    const candidates = this.seekers.map((cluster) => ({
      cluster,
      standing: before.get(cluster) ?? null,
      votes: counts.get(cluster) ?? NO_VOTES,
    }));
    this.learnt = electDomains(candidates, this.given);
    return logChanges(before, this.learnt, this.log);
  }

  /** Words for clusters whose nodes disagree, by cluster; a domain that is another cluster's is no disagreement. */
  divisions(owners: Owners): ReadonlyMap<string, string> {
    const texts = new Map<string, string>();
    const counts = tally(this.votes);
    for (const cluster of this.seekers) {
      const text = divisionText(counts.get(cluster) ?? NO_VOTES, this.learnt.get(cluster) ?? null, owners);
      if (text !== null) texts.set(cluster, text);
    }
    return texts;
  }
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
function logChanges(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>, log: EventLog): boolean {
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

function divisionText(counts: ReadonlyMap<string, number>, own: string | null, owners: Owners): string | null {
  const others = [...counts].filter(
    ([domain]) => domain !== own && owners.of({ names: [`*.apps.${domain}`] }).size === 0,
  );
  if (others.length === 0) return null;
  const shown = others.map(([domain, count]) => `${domain} (${count} ${count === 1 ? "node" : "nodes"})`).join(", ");
  return own === null
    ? `its ingress certificates name ${shown}, which does not tell its domain; give it with domain=`
    : `its domain was learnt to be ${own}, but its ingress also shows ${shown}; give it with domain= if that is wrong`;
}
