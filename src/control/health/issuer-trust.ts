/** Discovered clusters are known by who signs their certificates: names alone can be copied, also at an address that was theirs. */
import type { ClusterConfig } from "../../config/model.ts";
import { isTrusted, type Issuers, type Subject } from "../../core/discover/issuers.ts";
import { covers, type Shown } from "../../core/discover/sighting.ts";

export class IssuerTrust {
  /** Grows when somebody is believed who was not before. */
  version = 0;
  private issuers: Issuers = new Map();

  set(issuers: Issuers): void {
    if (issuers === this.issuers) return;
    this.issuers = issuers;
    this.version += 1;
  }

  /** The certificate names the cluster, and another authority than the cluster's signed it. */
  isForeign({ layer, domain, apiNames }: ClusterConfig, shown: Shown): boolean {
    if (layer !== "discovered") return false;
    const claimed: Subject[] = apiNames.filter((name) => covers(shown, name)).map((name): Subject => `api ${name}`);
    if (domain !== null && covers(shown, `api.${domain}`)) claimed.push(`api api.${domain}`);
    if (domain !== null && shown.names.includes(`*.apps.${domain}`)) claimed.push(`ingress ${domain}`);
    const known = new Set(claimed.map((subject) => isTrusted(this.issuers, subject, shown.issuer)));
    return known.has(false) && !known.has(true);
  }
}
