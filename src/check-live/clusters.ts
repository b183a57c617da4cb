/** Nodes of every cluster: who answers, what it serves, what its certificate says, and what time it has. */
import { nodesFor } from "../config/clusters.ts";
import type { ClusterConfig, Config, NodeSpec } from "../config/model.ts";
import { judge, type Evidence } from "../core/health/ladder.ts";
import { reasonText } from "../core/health/reasons.ts";
import { owners, sharedCertificates, type Identity, type ShownCertificate } from "../core/health/identity.ts";
import { LISTENER_KINDS, type ListenerKind } from "../seam/snapshot.ts";
import { createNodeIdentities, type NodeIdentities } from "../control/health/node-identities.ts";
import { certificateFindings, clockFindings } from "./certificates.ts";
import type { ClockAnswer } from "./clock.ts";
import type { LiveEnvironment } from "./environment.ts";
import { inParallel, warn, type Finding, type FindingGroup } from "./finding.ts";
import { poolFindings } from "./pools.ts";
import type { Family } from "../control/probe/node-probe.ts";

/** Nodes looked at at a time: more handshakes at once would be late by themselves. */
const AT_ONCE = 16;
/** Later ones are not looked at any more. */
const ALL_MS = 30_000;

/** What one port of one node had to say. */
export interface SeenPort {
  readonly kind: ListenerKind;
  readonly port: number;
  readonly up: boolean;
  /** Nothing answered at all. */
  readonly silent: boolean;
  readonly words: string;
}

/** One node, looked at for one family. */
export interface Seen {
  readonly cluster: string;
  readonly family: Family;
  readonly node: string;
  readonly ip: string;
  readonly ports: readonly SeenPort[];
  readonly certificate: ShownCertificate | null;
  readonly identity: Identity | null;
  readonly clock: ClockAnswer;
  readonly askedMs: number;
}

interface Task {
  readonly cluster: ClusterConfig;
  readonly family: "api" | "ingress";
  readonly node: NodeSpec;
}

export interface CheckedClusters {
  readonly groups: readonly FindingGroup[];
  /** Given or learnt. */
  readonly domains: ReadonlyMap<string, string>;
}

export async function checkClusters(config: Config, environment: LiveEnvironment): Promise<CheckedClusters> {
  const silent = (): void => undefined;
  const identities = createNodeIdentities({
    log: { info: silent, warn: silent, error: silent },
    wallMs: environment.wallMs,
    onDomains: silent,
  });
  identities.setClusters(config.clusters);
  const endMs = environment.wallMs() + ALL_MS;
  const tasks = config.clusters.flatMap((cluster) => tasksOf(cluster, config));
  const looks = await inParallel(tasks, AT_ONCE, async (task) =>
    environment.wallMs() > endMs ? "late" : look(task, config, identities, environment),
  );
  identities.tick();
  const domains = new Map(
    config.clusters.flatMap(({ name }) => {
      const domain = identities.domainOf(name);
      return domain === null ? [] : [[name, domain] as const];
    }),
  );
  const seen = looks.filter((each) => typeof each !== "string").flat();
  const late = tasks.filter((_, at) => looks[at] === "late");
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

/** Families whose listener is on. */
function tasksOf(cluster: ClusterConfig, { listen }: Config): readonly Task[] {
  const families = [
    ...(listen.api.length > 0 ? (["api"] as const) : []),
    ...(listen.https.length + listen.http.length > 0 ? (["ingress"] as const) : []),
  ];
  return families.flatMap((family) =>
    nodesFor(cluster, family === "api" ? "api" : "https").map((node) => ({ cluster, family, node })),
  );
}

async function look(
  task: Task,
  config: Config,
  identities: NodeIdentities,
  environment: LiveEnvironment,
): Promise<readonly Seen[]> {
  const ips = task.node.isName ? await environment.lookup(task.node.host).catch(() => []) : [task.node.host];
  if (ips.length === 0) return [unresolved(task, environment)];
  return Promise.all(ips.map((ip) => lookAt(ip, task, config, identities, environment)));
}

const NO_CLOCK: ClockAnswer = { dateMs: null, notBeforeMs: null };

function unresolved({ cluster, family, node }: Task, { wallMs }: LiveEnvironment): Seen {
  const kinds = family === "api" ? (["api"] as const) : (["https", "http"] as const);
  const ports = kinds.map((kind) => ({
    kind,
    port: cluster.ports[kind],
    up: false,
    silent: true,
    words: "its name does not resolve",
  }));
  const base = { cluster: cluster.name, family, node: node.host, ip: "", ports };
  return { ...base, certificate: null, identity: null, clock: NO_CLOCK, askedMs: wallMs() };
}

async function lookAt(
  ip: string,
  { cluster, family, node }: Task,
  config: Config,
  identities: NodeIdentities,
  environment: LiveEnvironment,
): Promise<Seen> {
  const timeoutMs = config.timeouts.probe;
  const kinds = LISTENER_KINDS.filter(
    (kind) =>
      config.listen[kind].length > 0 && (family === "api" ? kind === "api" : kind === "https" || kind === "http"),
  );
  const ports = Object.fromEntries(kinds.map((kind) => [kind, cluster.ports[kind]]));
  const servername = identities.servername(cluster.name, family);
  const nodeProbe = environment.nodeProbe({ family, ip, ports, readyPort: cluster.ports.ready, servername });
  try {
    const mode = cluster.check === "off" ? "tcp" : cluster.check;
    const request = { readiness: true, handshake: true, thorough: true, reconnect: false, timeoutMs };
    const first = await nodeProbe.probe(request);
    // one late answer is no verdict; `edge-lb run` asks often, this asks once more
    const again = [first.ready, ...Object.values(first.own)].some(isLate);
    const { ready, own, certificate, inconclusive } = again ? await nodeProbe.probe(request) : first;
    const showing = { key: `${cluster.name} ${family} ${ip}`, cluster: cluster.name, family };
    const identity =
      certificate === null
        ? null
        : await identities.judge({ ...showing, certificate }, (name) => nodeProbe.certificateShownTo(name, timeoutMs));
    const seen = kinds.map((kind): SeenPort => {
      const evidence = own[kind] ?? null;
      const { outcome } = judge(kind, mode, null, ready, evidence);
      const words = inconclusive ? "this machine could not ask: out of descriptors" : reasonText(outcome.reason);
      const silentPort =
        (evidence === null || evidence.got === "nothing") && (ready === null || ready.got === "nothing");
      return { kind, port: cluster.ports[kind], up: outcome.verdict === "up", silent: silentPort, words };
    });
    const askedMs = environment.wallMs();
    const clock = seen.some(({ up }) => up)
      ? await environment.clock(
          family === "api"
            ? { at: { ip, port: cluster.ports.api }, servername: servername ?? "", path: "/readyz", timeoutMs }
            : { at: { ip, port: cluster.ports.https }, servername: servername ?? "", path: "/", timeoutMs },
        )
      : NO_CLOCK;
    return { cluster: cluster.name, family, node: node.host, ip, ports: seen, certificate, identity, clock, askedMs };
  } finally {
    nodeProbe.close();
  }
}

/** Something answered, but not in time. */
function isLate(evidence: Evidence | null): boolean {
  return evidence !== null && evidence.got !== "http" && evidence.got !== "nothing" && evidence.fault === "silent";
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
    ...certificateFindings(own, environment.wallMs()),
    ...clockFindings(own),
    ...(missed === 0 ? [] : [warn(`${missed} nodes not looked at: out of time`)]),
  ];
}

/** Ingress certificates with which a browser would mix up two clusters. */
function sharedIngress(
  config: Config,
  domains: ReadonlyMap<string, string>,
  seen: readonly Seen[],
): readonly { readonly cluster: string; readonly finding: Finding }[] {
  const shown = new Map<string, ShownCertificate>();
  for (const { cluster, family, certificate } of seen) {
    if (family === "ingress" && certificate !== null) shown.set(cluster, certificate);
  }
  const whose = owners(
    config.clusters.map(({ name, names, apiNames }) => ({
      name,
      domain: domains.get(name) ?? null,
      names: [...names, ...apiNames],
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
