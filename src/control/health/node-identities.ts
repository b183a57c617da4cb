/** Whose nodes they are, by the certificates they show; and what those certificates tell: domains, expiry, warnings. */
import type { ClusterConfig } from "../../config/model.ts";
import { sharedNodes } from "../../config/clusters/client-networks.ts";
import { ANY_NAME } from "../../config/values/names.ts";
import { namesOf } from "../../config/clusters/service-settings.ts";
import {
  identify,
  learntDomain,
  owners,
  type Identity,
  type Owners,
  type ShownCertificate,
} from "../../core/health/identity.ts";
import type { EventLog } from "../log/event-log.ts";
import type { ProbeGroup } from "../../seam/services.ts";
import {
  certificateWarnings,
  earliestExpiry,
  type CertificateView,
  type NodeCertificate,
} from "./certificate-warnings.ts";
import type { HealthFacts } from "./carried-health.ts";
import { IssuerTrust } from "./issuer-trust.ts";
import { LearntDomains } from "./learnt-domains.ts";

/** Asks one node for the certificate it shows to another name; null: it did not answer. */
export type AskCertificate = (servername: string) => Promise<ShownCertificate | null>;

/** Asking one node for the names of all other clusters ends after this. */
const CROSS_CHECK_MS = 10_000;
/** Expiry comes nearer without a new certificate. */
const WARN_AGAIN_MS = 3_600_000;

interface Warning {
  readonly cluster: string;
  /** The log's event. */
  readonly about: string;
  readonly text: string;
}

export class NodeIdentities {
  private readonly log: EventLog;
  private readonly wallMs: () => number;
  private readonly domains: LearntDomains;
  private readonly trust: IssuerTrust;
  /** By node, of those that are not another cluster's. */
  private readonly shown = new Map<string, NodeCertificate>();
  private clusters: readonly ClusterConfig[] = [];
  private configs: ReadonlyMap<string, ClusterConfig> = new Map();
  private owners: Owners = owners([]);
  private warned: ReadonlyMap<string, readonly string[]> = new Map();
  /** When warnings were last checked, ms since 1970. */
  private checkedMs = Number.NEGATIVE_INFINITY;
  private namesVersion = 0;

  constructor(log: EventLog, wallMs: () => number, trust = new IssuerTrust()) {
    this.trust = trust;
    this.log = log;
    this.wallMs = wallMs;
    this.domains = new LearntDomains(log);
  }

  setClusters(clusters: readonly ClusterConfig[]): void {
    this.clusters = clusters;
    this.configs = new Map(clusters.map((cluster) => [cluster.name, cluster]));
    this.domains.setClusters(clusters);
    this.namesChanged();
  }

  /** Grows when the names of any cluster change: judgements made before may be wrong now. */
  get version(): number {
    return this.namesVersion + this.trust.version;
  }

  /** Given or learnt; null: not known. */
  domainOf(cluster: string): string | null {
    return this.configs.get(cluster)?.domain ?? this.learntDomains.get(cluster) ?? null;
  }

  /** By cluster. */
  get learntDomains(): ReadonlyMap<string, string> {
    return this.domains.learnt;
  }

  /** What another process had learnt and warned of; votes and certificates may change it. */
  carry({ learnt, warned }: Pick<HealthFacts, "learnt" | "warned">): void {
    this.domains.learnt = new Map(learnt);
    this.warned = new Map(warned);
  }

  facts(): Pick<HealthFacts, "learnt" | "warned"> {
    return { learnt: [...this.learntDomains], warned: [...this.warned] };
  }

  /** The name to ask a node of this group with; null: without one. */
  servername(cluster: string, group: ProbeGroup): string | null {
    const config = this.configs.get(cluster);
    return config === undefined ? null : servernameOf(config, this.domainOf(cluster), group);
  }

  /**
   * Judge a certificate that a node shows on a new connection; what an ingress node shows is its vote for the cluster's domain.
   * @param ask The same node, for the certificate it shows to another cluster's name.
   */
  async judge(seen: NodeCertificate, ask: AskCertificate): Promise<Identity> {
    const { key, cluster, group, certificate } = seen;
    const isIngress = group.servername === "apps";
    if (isIngress) this.domains.vote(key, cluster, learntDomain(cluster, certificate));
    const identity = this.judgeByNames(seen);
    if (identity.kind !== "unproven" || isIngress) return identity;
    return this.crossCheck(cluster, certificate, ask);
  }

  /** The same by its names alone, without asking the node anything. */
  judgeByNames(seen: NodeCertificate): Identity {
    const config = this.configs.get(seen.cluster);
    if (config !== undefined && this.trust.isForeign(config, seen.certificate))
      return { kind: "foreign", cluster: "another authority" };
    return identify(seen.cluster, this.owners.of(seen.certificate));
  }

  /** Count the certificate among those that are shown, unless it is another cluster's: that says nothing of ours. */
  remember(seen: NodeCertificate, identity: Identity): void {
    const { key, certificate } = seen;
    const before = this.shown.get(key)?.certificate.fingerprint;
    if (identity.kind === "foreign") this.shown.delete(key);
    else this.shown.set(key, seen);
    const now = identity.kind === "foreign" ? undefined : certificate.fingerprint;
    if (now !== before) this.checkedMs = Number.NEGATIVE_INFINITY;
  }

  /** The node is not probed any more. */
  forget(key: string): void {
    this.shown.delete(key);
    this.domains.withdraw(key);
  }

  certificates(cluster: string): readonly CertificateView[] {
    return earliestExpiry([...this.shown.values()].filter((each) => each.cluster === cluster));
  }

  warnings(cluster: string): readonly string[] {
    return this.warned.get(cluster) ?? [];
  }

  /** Decide again which domains the certificates give away, if any node showed another one. @returns whether one changed */
  learnDomains(): boolean {
    if (!this.domains.elect()) return false;
    this.namesChanged();
    return true;
  }

  /** Log warnings that are new; cheap unless a certificate changed or an hour passed. */
  checkWarnings(): void {
    if (this.wallMs() - this.checkedMs < WARN_AGAIN_MS) return;
    this.checkedMs = this.wallMs();
    const found = this.findWarnings();
    for (const { cluster, about, text } of found) {
      if (!this.warnings(cluster).includes(text)) this.log.warn(about, `${cluster}: ${text}`, { cluster });
    }
    const warned = new Map<string, string[]>();
    for (const { cluster, text } of found) warned.set(cluster, [...(warned.get(cluster) ?? []), text]);
    this.warned = warned;
  }

  private findWarnings(): readonly Warning[] {
    const ofCertificates = certificateWarnings(
      [...this.shown.values()],
      this.owners,
      this.wallMs(),
      (name) => this.configs.get(name)?.domain ?? null,
    );
    const about = "certificate";
    return [
      ...[...ofCertificates].flatMap(([cluster, texts]) => texts.map((text) => ({ cluster, about, text }))),
      ...[...this.domains.divisions(this.owners)].map(([cluster, text]) => ({ cluster, about, text })),
      ...sharedNodes(this.clusters).flatMap(({ clusters, text }) =>
        clusters.map((cluster) => ({ cluster, about: "clients", text })),
      ),
    ];
  }

  private namesChanged(): void {
    this.owners = owners(
      this.clusters.map((cluster) => ({
        name: cluster.name,
        domain: this.domainOf(cluster.name),
        names: namesOf(cluster),
      })),
    );
    this.checkedMs = Number.NEGATIVE_INFINITY;
    this.namesVersion += 1;
  }

  /** A certificate that names no cluster: does the node show another cluster's to that cluster's API name? */
  private async crossCheck(own: string, shown: ShownCertificate, ask: AskCertificate): Promise<Identity> {
    const endMs = this.wallMs() + CROSS_CHECK_MS;
    for (const { name } of this.clusters) {
      const domain = this.domainOf(name);
      if (name === own || domain === null || this.wallMs() > endMs) continue;
      const other = await ask(`api.${domain}`);
      if (other === null) break; // it stopped answering: the next probe will say so
      if (other.fingerprint === shown.fingerprint) continue;
      const identity = identify(own, this.owners.of(other));
      if (identity.kind === "foreign") return identity;
    }
    return { kind: "unproven" };
  }
}

/** Names that the servers have certificates for, so that probes look like any client. */
function servernameOf(cluster: ClusterConfig, domain: string | null, { servername }: ProbeGroup): string | null {
  if (servername === "apps") {
    // every OpenShift cluster has this route; elsewhere the wildcard covers it just as well
    if (domain !== null) return `console-openshift-console.apps.${domain}`;
    return concrete(cluster.names);
  }
  if (domain !== null) return `${servername}.${domain}`;
  // in the certificate of every kube-apiserver
  return concrete(cluster.apiNames) ?? "kubernetes.default.svc";
}

function concrete(all: readonly string[]): string | null {
  const names = all.filter((name) => name !== ANY_NAME);
  const name = names.find((each) => !each.startsWith("*.")) ?? names[0];
  return name === undefined ? null : name.replace(/^\*\./, "probe.");
}
