/** What the operator is warned of: certificates that end, and those that make browsers mix up clusters. */
import {
  certifiedDomain,
  expiry,
  sharedCertificates,
  type Owners,
  type ShownCertificate,
} from "../../core/health/identity.ts";
import type { ProbeGroup } from "../../seam/services.ts";

/** The certificate that one node showed last. */
export interface NodeCertificate {
  /** Identifies node, cluster and group. */
  readonly key: string;
  readonly cluster: string;
  readonly group: ProbeGroup;
  readonly certificate: ShownCertificate;
}

export interface CertificateView {
  readonly group: ProbeGroup;
  /** The first to expire of the group's nodes, ms since 1970. */
  readonly notAfterMs: number;
}

/** When the first certificate of each group ends. */
export function earliestExpiry(shown: readonly NodeCertificate[]): CertificateView[] {
  const first = new Map<ProbeGroup, number>();
  for (const { group, certificate } of shown) {
    first.set(group, Math.min(first.get(group) ?? Number.POSITIVE_INFINITY, certificate.notAfterMs));
  }
  return [...first].map(([group, notAfterMs]) => ({ group, notAfterMs }));
}

/**
 * Sentences by cluster.
 * @param domainOf The domain that a cluster was given; null: none.
 */
export function certificateWarnings(
  shown: readonly NodeCertificate[],
  owners: Owners,
  wallMs: number,
  domainOf: (cluster: string) => string | null,
): Map<string, readonly string[]> {
  const warnings = new Map<string, string[]>();
  const add = (cluster: string, text: string): void => {
    warnings.set(cluster, [...(warnings.get(cluster) ?? []), text]);
  };
  for (const name of new Set(shown.map(({ cluster }) => cluster))) {
    for (const { group, notAfterMs } of earliestExpiry(shown.filter(({ cluster }) => cluster === name))) {
      const text = expiryText(group, notAfterMs, wallMs);
      if (text !== null) add(name, text);
    }
  }
  for (const [cluster, text] of misfits(shown, owners, domainOf)) add(cluster, text);
  const ingress = shown.filter(({ group }) => group.servername === "apps");
  const byCluster = new Map(ingress.map(({ cluster, certificate }) => [cluster, certificate]));
  for (const { cluster, also } of sharedCertificates(byCluster, owners)) {
    add(cluster, sharedText(also));
    add(
      also,
      `${cluster}'s ingress certificate covers its names as well, so browsers may send its requests to ${cluster}`,
    );
  }
  return warnings;
}

/** Nodes whose certificates name another domain than their cluster's, and no cluster that is known: every client refuses them. */
function misfits(
  shown: readonly NodeCertificate[],
  owners: Owners,
  domainOf: (cluster: string) => string | null,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const { cluster, certificate } of shown) {
    const domain = domainOf(cluster);
    const other = certifiedDomain(certificate);
    if (domain === null || other === null || owners.of(certificate).size > 0) continue;
    texts.set(cluster, misfitText(domain, other));
  }
  return texts;
}

/** What is wrong, and the key to write. */
export function misfitText(domain: string, other: string): string {
  return `its nodes show certificates for ${other}, not for ${domain}, so clients refuse them; write domain=${other}`;
}

function expiryText({ words }: ProbeGroup, notAfterMs: number, wallMs: number): string | null {
  const state = expiry(notAfterMs, wallMs);
  if (state === "fine") return null;
  const day = new Date(notAfterMs).toISOString().slice(0, 10);
  return state === "expired"
    ? `the ${words} certificate expired on ${day}`
    : `the ${words} certificate expires on ${day}`;
}

function sharedText(also: string): string {
  return `its ingress certificate covers ${also} as well and offers HTTP/2, so browsers may send ${also}'s requests here; give each cluster a certificate of its own or turn HTTP/2 off on the routers`;
}
