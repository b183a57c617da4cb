/** Certificates that nodes showed: whose node it is, what the domain is, when it expires, and what a browser could mix up. */
import type { ClusterConfig } from "../../config/model.ts";
import {
  expiry,
  identify,
  learntDomain,
  owners,
  sharedCertificates,
  type ClusterNames,
  type Identity,
  type Owners,
  type ShownCertificate,
} from "../../core/health/identity.ts";
import type { EventLog } from "../log/event-log.ts";
import { createLearntDomains } from "./learnt-domains.ts";
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

export interface IdentityInput {
  readonly log: EventLog;
  readonly wallMs: () => number;
  /** The domains that nodes gave away changed: all of them, by cluster. */
  readonly onDomains: (learnt: ReadonlyMap<string, string>) => void;
}

export interface NodeIdentities {
  setClusters(clusters: readonly ClusterConfig[]): void;
  /** Grows when the names of any cluster change: judgements made before may be wrong now. */
  version(): number;
  /** Given or learnt; null: not known. */
  domainOf(cluster: string): string | null;
  learnt(cluster: string): boolean;
  /** The name to ask a node of this family with; null: without one. */
  servername(cluster: string, family: Family): string | null;
  /**
   * Judge a certificate that a node shows.
   * @param present Asks the same node for the certificate it shows to another name; null: it did not answer.
   */
  judge(showing: NodeCertificate, present: (servername: string) => Promise<ShownCertificate | null>): Promise<Identity>;
  /** The same by its names alone, without asking the node anything. */
  rejudge(showing: NodeCertificate): Identity;
  forget(key: string): void;
  certificates(cluster: string): readonly CertificateView[];
  warnings(cluster: string): readonly string[];
  /** Learn domains, log warnings that are new; cheap unless a certificate changed or an hour passed. */
  tick(): void;
}

/** Asking one node for all the others' names must end some time. */
const CROSS_MOST_MS = 10_000;
/** Expiry moves on without a new certificate. */
const WARN_AGAIN_MS = 3_600_000;

export function createNodeIdentities(input: IdentityInput): NodeIdentities {
  const { log, wallMs, onDomains } = input;
  const domains = createLearntDomains(log);
  const showings = new Map<string, NodeCertificate>();
  let clusters: readonly ClusterConfig[] = [];
  let configs: ReadonlyMap<string, ClusterConfig> = new Map();
  let whose: Owners = owners([]);
  let warned = new Map<string, readonly string[]>();
  let checkedMs = Number.NEGATIVE_INFINITY;
  let version = 0;

  const domainOf = (name: string): string | null => configs.get(name)?.domain ?? domains.learnt().get(name) ?? null;
  const rebuild = (): void => {
    whose = owners(clusters.map((cluster) => namesOf(cluster, domainOf(cluster.name))));
    checkedMs = Number.NEGATIVE_INFINITY;
    version += 1;
  };
  const crossCheck = async (
    own: string,
    shown: ShownCertificate,
    present: (servername: string) => Promise<ShownCertificate | null>,
  ): Promise<Identity> => {
    const giveUpMs = wallMs() + CROSS_MOST_MS;
    for (const { name } of clusters) {
      const domain = domainOf(name);
      if (name === own || domain === null || wallMs() > giveUpMs) continue;
      const other = await present(`api.${domain}`);
      if (other === null) break; // it stopped answering: the next look will say so
      if (other.fingerprint === shown.fingerprint) continue;
      const identity = identify(own, whose.of(other));
      if (identity.kind === "foreign") return identity;
    }
    return { kind: "unproven" };
  };

  const note = (showing: NodeCertificate, identity: Identity): Identity => {
    // what another cluster's node shows says nothing of our certificates
    const shown = showings.get(showing.key)?.certificate.fingerprint;
    if (identity.kind === "foreign") showings.delete(showing.key);
    else showings.set(showing.key, showing);
    if (showings.get(showing.key)?.certificate.fingerprint !== shown) checkedMs = Number.NEGATIVE_INFINITY;
    return identity;
  };

  return {
    setClusters(next) {
      clusters = next;
      configs = new Map(next.map((cluster) => [cluster.name, cluster]));
      domains.setClusters(next);
      rebuild();
    },
    version: () => version,
    domainOf,
    learnt: (name) => domains.learnt().has(name),
    servername(name, family) {
      const cluster = configs.get(name);
      return cluster === undefined ? null : servernameOf(cluster, domainOf(name), family);
    },
    async judge(showing, present) {
      const { key, cluster, family, certificate } = showing;
      if (family === "ingress") domains.vote(key, cluster, learntDomain(cluster, certificate));
      const identity = identify(cluster, whose.of(certificate));
      if (identity.kind !== "unproven" || family === "ingress") return note(showing, identity);
      return note(showing, await crossCheck(cluster, certificate, present));
    },
    rejudge: (showing) => note(showing, identify(showing.cluster, whose.of(showing.certificate))),
    forget(key) {
      showings.delete(key);
      domains.vote(key, "", null);
    },
    certificates: (name) => soonest([...showings.values()].filter(({ cluster }) => cluster === name)),
    warnings: (name) => warned.get(name) ?? [],
    tick() {
      if (domains.elect()) {
        rebuild();
        onDomains(domains.learnt());
      }
      if (wallMs() - checkedMs < WARN_AGAIN_MS) return;
      checkedMs = wallMs();
      const fresh = allWarnings([...showings.values()], whose, wallMs());
      for (const [name, text] of domains.divisions(whose)) fresh.set(name, [...(fresh.get(name) ?? []), text]);
      for (const [cluster, texts] of fresh) {
        for (const text of texts) {
          if (!(warned.get(cluster) ?? []).includes(text)) log.warn("certificate", `${cluster}: ${text}`, { cluster });
        }
      }
      warned = fresh;
    },
  };
}

function namesOf(cluster: ClusterConfig, domain: string | null): ClusterNames {
  return { name: cluster.name, domain, names: [...cluster.names, ...cluster.apiNames] };
}

/** Names that the servers have certificates for, so that probes look like any client. */
function servernameOf(cluster: ClusterConfig, domain: string | null, family: Family): string | null {
  if (family === "ingress") {
    // every OpenShift cluster has this route; elsewhere the wildcard covers it just as well
    if (domain !== null) return `console-openshift-console.apps.${domain}`;
    return concrete(cluster.names);
  }
  if (domain !== null) return family === "mcs" ? `api-int.${domain}` : `api.${domain}`;
  // in the certificate of every kube-apiserver
  return concrete(cluster.apiNames) ?? "kubernetes.default.svc";
}

function concrete(names: readonly string[]): string | null {
  const name = names.find((each) => !each.startsWith("*.")) ?? names[0];
  return name === undefined ? null : name.replace(/^\*\./, "probe.");
}

function soonest(showings: readonly NodeCertificate[]): CertificateView[] {
  const first = new Map<Family, number>();
  for (const { family, certificate } of showings) {
    first.set(family, Math.min(first.get(family) ?? Number.POSITIVE_INFINITY, certificate.notAfterMs));
  }
  return [...first].map(([family, notAfterMs]) => ({ family, notAfterMs }));
}

function allWarnings(
  showings: readonly NodeCertificate[],
  whose: Owners,
  wallMs: number,
): Map<string, readonly string[]> {
  const warnings = new Map<string, string[]>();
  const add = (cluster: string, text: string): void => {
    warnings.set(cluster, [...(warnings.get(cluster) ?? []), text]);
  };
  for (const cluster of new Set(showings.map((showing) => showing.cluster))) {
    for (const { family, notAfterMs } of soonest(showings.filter((showing) => showing.cluster === cluster))) {
      const text = expiryText(family, notAfterMs, wallMs);
      if (text !== null) add(cluster, text);
    }
  }
  const ingress = showings.filter(({ family }) => family === "ingress");
  const shown = new Map(ingress.map(({ cluster, certificate }) => [cluster, certificate]));
  for (const { cluster, also } of sharedCertificates(shown, whose)) add(cluster, sharedText(also));
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
