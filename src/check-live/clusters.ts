/** What is wrong with the nodes of every cluster: their pools, certificates and clocks. */
import { namesOf } from "../config/clusters/service-settings.ts";
import type { ClusterConfig, Config } from "../config/model.ts";
import { NodeIdentities } from "../control/health/node-identities.ts";
import { owners, sharedCertificates, type ShownCertificate } from "../core/health/identity.ts";
import { certificateFindings, clockFindings } from "./certificates.ts";
import type { LiveEnvironment } from "./environment.ts";
import { inParallel, warn, type Finding, type FindingGroup } from "./finding.ts";
import { NodeCheck, tasksOf, type Seen, type Task } from "./nodes.ts";
import { poolFindings } from "./pools.ts";

/** Nodes checked at a time: more handshakes at once would be late by themselves. */
const AT_ONCE = 16;
/** The nodes whose turn comes later are not checked. */
const ALL_MS = 30_000;

export interface CheckedClusters {
  readonly groups: readonly FindingGroup[];
  /** Given or learnt. */
  readonly domains: ReadonlyMap<string, string>;
}

export async function checkClusters(config: Config, environment: LiveEnvironment): Promise<CheckedClusters> {
  const silent = (): void => undefined;
  const identities = new NodeIdentities({ info: silent, warn: silent, error: silent }, environment.wallMs);
  identities.setClusters(config.clusters);
  const { seen, late } = await checkNodes(config, identities, environment);
  identities.learnDomains();
  const domains = domainsOf(config, identities);
  const shared = sharedIngress(config, domains, seen);
  const groups = config.clusters.map((cluster) => ({
    title: `cluster ${cluster.name}`,
    findings: [
      ...clusterFindings(cluster, config, seen, late, environment),
      ...shared.filter((each) => each.cluster === cluster.name).map(({ finding }) => finding),
    ],
  }));
  return { groups, domains };
}

interface CheckedNodes {
  readonly seen: readonly Seen[];
  /** Not checked any more: the time was over. */
  readonly late: readonly Task[];
}

async function checkNodes(
  config: Config,
  identities: NodeIdentities,
  environment: LiveEnvironment,
): Promise<CheckedNodes> {
  const endMs = environment.wallMs() + ALL_MS;
  const check = new NodeCheck(config, identities, environment);
  const tasks = config.clusters.flatMap((cluster) => tasksOf(cluster, config));
  const results = await inParallel(tasks, AT_ONCE, async (task) =>
    environment.wallMs() > endMs ? null : check.run(task),
  );
  return { seen: results.flatMap((each) => each ?? []), late: tasks.filter((_, at) => results[at] === null) };
}

function domainsOf({ clusters }: Config, identities: NodeIdentities): ReadonlyMap<string, string> {
  const known = clusters.map(({ name }) => [name, identities.domainOf(name)] as const);
  return new Map(known.flatMap(([name, domain]) => (domain === null ? [] : [[name, domain] as const])));
}

function clusterFindings(
  cluster: ClusterConfig,
  config: Config,
  seen: readonly Seen[],
  late: readonly Task[],
  environment: LiveEnvironment,
): readonly Finding[] {
  const own = seen.filter((each) => each.cluster === cluster.name);
  const missed = new Set(late.filter((task) => task.cluster === cluster).map(({ node }) => node.host)).size;
  return [
    ...poolFindings(cluster, own, config.timeouts.probe),
    ...certificateFindings(own, environment.wallMs(), cluster.domain),
    ...clockFindings(own),
    ...(missed === 0 ? [] : [warn(`${missed} nodes not checked: out of time`)]),
  ];
}

/** Ingress certificates with which a browser would mix up two clusters. */
function sharedIngress(
  config: Config,
  domains: ReadonlyMap<string, string>,
  seen: readonly Seen[],
): readonly { readonly cluster: string; readonly finding: Finding }[] {
  const shown = new Map<string, ShownCertificate>();
  for (const { cluster, group, certificate } of seen) {
    if (group.servername === "apps" && certificate !== null) shown.set(cluster, certificate);
  }
  const whose = owners(
    config.clusters.map((cluster) => ({
      name: cluster.name,
      domain: domains.get(cluster.name) ?? null,
      names: namesOf(cluster),
    })),
  );
  return sharedCertificates(shown, whose).map(({ cluster, also }) => ({
    cluster,
    finding: warn(
      `its ingress certificate covers ${also} as well and offers HTTP/2: browsers may send ${also}'s requests here`,
      "give each cluster a certificate of its own",
      "or: oc annotate ingresses.config/cluster ingress.operator.openshift.io/default-enable-http2=false",
    ),
  }));
}
