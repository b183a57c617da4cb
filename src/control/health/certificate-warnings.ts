/** What the operator is warned of: certificates that end, and those that make browsers mix up clusters. */
import { expiry, sharedCertificates, type Owners, type ShownCertificate } from "../../core/health/identity.ts";
import type { Family } from "../probe/node-probe.ts";

/** The certificate that one node showed last. */
export interface NodeCertificate {
  /** Identifies node, cluster and family. */
  readonly key: string;
  readonly cluster: string;
  readonly family: Family;
  readonly certificate: ShownCertificate;
}

export interface CertificateView {
  readonly family: Family;
  /** The first to expire of the family's nodes, ms since 1970. */
  readonly notAfterMs: number;
}

/** When the first certificate of each family ends. */
export function earliestExpiry(shown: readonly NodeCertificate[]): CertificateView[] {
  const first = new Map<Family, number>();
  for (const { family, certificate } of shown) {
    first.set(family, Math.min(first.get(family) ?? Number.POSITIVE_INFINITY, certificate.notAfterMs));
  }
  return [...first].map(([family, notAfterMs]) => ({ family, notAfterMs }));
}

/** Sentences by cluster. */
export function certificateWarnings(
  shown: readonly NodeCertificate[],
  owners: Owners,
  wallMs: number,
): Map<string, readonly string[]> {
  const warnings = new Map<string, string[]>();
  const add = (cluster: string, text: string): void => {
    warnings.set(cluster, [...(warnings.get(cluster) ?? []), text]);
  };
  for (const name of new Set(shown.map(({ cluster }) => cluster))) {
    for (const { family, notAfterMs } of earliestExpiry(shown.filter(({ cluster }) => cluster === name))) {
      const text = expiryText(family, notAfterMs, wallMs);
      if (text !== null) add(name, text);
    }
  }
  const ingress = shown.filter(({ family }) => family === "ingress");
  const byCluster = new Map(ingress.map(({ cluster, certificate }) => [cluster, certificate]));
  for (const { cluster, also } of sharedCertificates(byCluster, owners)) add(cluster, sharedText(also));
  return warnings;
}

function expiryText(family: Family, notAfterMs: number, wallMs: number): string | null {
  const state = expiry(notAfterMs, wallMs);
  if (state === "fine") return null;
  const day = new Date(notAfterMs).toISOString().slice(0, 10);
  const shown = { api: "API", ingress: "ingress", mcs: "machine-config" }[family];
  return state === "expired"
    ? `the ${shown} certificate expired on ${day}`
    : `the ${shown} certificate expires on ${day}`;
}

function sharedText(also: string): string {
  return `its ingress certificate covers ${also} as well and offers HTTP/2, so browsers may send ${also}'s requests here; give each cluster a certificate of its own or turn HTTP/2 off on the routers`;
}
