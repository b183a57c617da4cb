/** Every metric: its name, what it means, and where its samples are in the status. Labels and units as Prometheus asks for. */
import { CLUSTER_STATES } from "../core/health/cluster-state.ts";
import type { Answers, EndpointStatus, PoolStatus } from "../control/status/pool-report.ts";
import type { ClusterStatus, Status } from "../control/status/report.ts";
import { formatEndpoint } from "../core/address.ts";
import { ANSWERS, HEALTH_WORDS, type Board } from "../seam/board.ts";
import type { Service } from "../seam/services.ts";
import { DURATIONS, durationsOf, END_REASONS, endsOf, type Duration } from "../seam/tallies.ts";

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Where it is not the family's own: `…_bucket`. */
  readonly metricName?: string;
}

export interface MetricsInput {
  readonly status: Status;
  readonly board: Board;
  readonly services: readonly Service[];
}

export interface MetricFamily {
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly samples: (input: MetricsInput) => readonly Sample[];
}

function gauge(name: string, help: string, samples: MetricFamily["samples"]): MetricFamily {
  return { name: `edge_lb_${name}`, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: MetricFamily["samples"]): MetricFamily {
  return { name: `edge_lb_${name}`, type: "counter", help, samples };
}

function one(value: (input: MetricsInput) => number): MetricFamily["samples"] {
  return (input) => [{ labels: {}, value: value(input) }];
}

interface Place {
  readonly cluster: ClusterStatus;
  readonly pool: PoolStatus;
  readonly endpoint: EndpointStatus;
}

function perEndpoint(samples: (place: Place) => readonly Sample[]): MetricFamily["samples"] {
  return ({ status }) =>
    status.clusters.flatMap((cluster) =>
      cluster.pools.flatMap((pool) =>
        pool.endpoints.flatMap((endpoint) => {
          const labels = {
            cluster: cluster.name,
            pool: pool.kind,
            node: endpoint.node,
            address: formatEndpoint(endpoint.ip, endpoint.port),
          };
          return samples({ cluster, pool, endpoint }).map((sample) => ({
            ...sample,
            labels: { ...labels, ...sample.labels },
          }));
        }),
      ),
    );
}

function plain(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}

const MS = 1_000;

function httpPools({ pools }: ClusterStatus): readonly (PoolStatus & { readonly answers: Answers })[] {
  return pools.flatMap((pool) => (pool.answers === undefined ? [] : { ...pool, answers: pool.answers }));
}

/** Cumulative buckets, sum and count (Prometheus' exposition format, "Histograms and summaries"). */
function histogram(name: string, duration: Duration, help: string): MetricFamily {
  const full = `edge_lb_${name}`;
  const samples = ({ board, services }: MetricsInput): readonly Sample[] =>
    services.flatMap(({ name: listener, index }) => {
      const { counts, sumMs } = durationsOf(board, index, duration);
      const bounds = [...DURATIONS[duration].map((ms) => ms / MS), "+Inf"];
      let below = 0;
      const buckets = bounds.map((le, at) => {
        below += counts[at] ?? 0;
        return { metricName: `${full}_bucket`, labels: { listener, le }, value: below };
      });
      return [
        ...buckets,
        { metricName: `${full}_sum`, labels: { listener }, value: sumMs / MS },
        { metricName: `${full}_count`, labels: { listener }, value: below },
      ];
    });
  return { name: full, type: "histogram", help, samples };
}

const REFUSALS = ["unknownName", "refused", "malformed", "timedOut", "clientGone"] as const;

function snake(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export const FAMILIES: readonly MetricFamily[] = [
  gauge("build_info", "Version and engine; always 1", ({ status }) => [
    { labels: { version: status.release, engine: status.engine, workers: status.workers }, value: 1 },
  ]),
  gauge(
    "start_time_seconds",
    "When edge-lb started, since the epoch",
    one(({ status }) => Date.parse(status.started) / MS),
  ),
  gauge(
    "stopping",
    "1 while it drains and accepts nothing",
    one(({ status }) => Number(status.stopping)),
  ),
  gauge(
    "snapshot_version",
    "Version of the configuration that workers were given last",
    one(({ status }) => status.snapshot),
  ),
  counter("reloads_total", "Reloads of the configuration", ({ status }) => [
    { labels: { result: "done" }, value: status.reload.done },
    { labels: { result: "failed" }, value: status.reload.failed },
  ]),
  gauge(
    "client_connections",
    "Client connections that are open",
    one(({ status }) => status.connections.open),
  ),
  gauge(
    "client_connections_limit",
    "Client connections at most: max-connections",
    one(({ status }) => status.connections.limit),
  ),
  counter(
    "client_connections_total",
    "Client connections accepted",
    one(({ status }) => status.connections.accepted),
  ),
  counter(
    "client_connections_by_address_total",
    "Client connections that named no cluster and went to that of the client's address",
    one(({ status }) => status.connections.byClientAddress),
  ),
  counter("client_connections_failed_total", "Client connections that reached no node, by reason", ({ status }) =>
    REFUSALS.map((reason) => ({ labels: { reason: snake(reason) }, value: status.connections[reason] })),
  ),
  counter("ends_total", "Connections and HTTP requests that ended, by listener and reason", ({ board, services }) =>
    services.flatMap(({ name: listener, index }) =>
      END_REASONS.map((reason) => ({ labels: { listener, reason }, value: endsOf(board, index, reason) })),
    ),
  ),
  histogram("dial_duration_seconds", "dial", "Time from the first dial to an open connection to a node"),
  histogram("duration_seconds", "total", "Time from a connection's or request's begin to its end"),
  counter(
    "session_faults_total",
    "Sessions that a fault of edge-lb's own ended",
    one(({ status }) => status.connections.faults),
  ),
  counter("dns_answers_total", "Answers to DNS queries", ({ status }) =>
    Object.entries(status.dns?.answers ?? {}).map(([rcode, value]) => ({ labels: { rcode }, value })),
  ),
  gauge("discover_source_up", "1 when the source of discovery can be asked", ({ status }) =>
    (status.discovery?.sources ?? []).map(({ source, fault }) => ({
      labels: { source },
      value: Number(fault === null),
    })),
  ),
  counter(
    "log_lines_lost_total",
    "Log lines that did not reach the sink",
    one(({ status }) => status.connections.logLinesDropped + status.connections.logLinesLost),
  ),
  gauge(
    "endpoint_member",
    "1 when the endpoint serves its pool, or was told to; 0 for a node of another role",
    perEndpoint(({ endpoint }) => plain(Number(endpoint.role === "given" || endpoint.role === "sensed"))),
  ),
  gauge(
    "endpoint_up",
    "1 when health says up",
    perEndpoint(({ endpoint }) => plain(Number(endpoint.state === "up"))),
  ),
  gauge(
    "endpoint_state",
    "1 for the state that health gives the endpoint",
    perEndpoint(({ endpoint }) =>
      HEALTH_WORDS.map((state) => ({ labels: { state }, value: Number(state === endpoint.state) })),
    ),
  ),
  gauge(
    "endpoint_connections",
    "Open connections to the endpoint",
    perEndpoint(({ endpoint }) => plain(endpoint.active)),
  ),
  counter(
    "endpoint_connections_total",
    "Connections to the endpoint",
    perEndpoint(({ endpoint }) => plain(endpoint.total)),
  ),
  counter(
    "endpoint_dial_failures_total",
    "Dials for clients that failed",
    perEndpoint(({ endpoint }) => plain(endpoint.failures)),
  ),
  counter(
    "endpoint_bytes_total",
    "Bytes moved; up is from client to node",
    perEndpoint(({ endpoint }) => [
      { labels: { direction: "up" }, value: endpoint.bytesUp },
      { labels: { direction: "down" }, value: endpoint.bytesDown },
    ]),
  ),
  gauge("cluster_info", "Domain and origin of the cluster; always 1", ({ status }) =>
    status.clusters.map(({ name, domain, layer }) => ({
      labels: { cluster: name, domain: domain ?? "", layer },
      value: 1,
    })),
  ),
  gauge("cluster_state", "1 for the state that the cluster is in", ({ status }) =>
    status.clusters.flatMap((cluster) =>
      CLUSTER_STATES.map((state) => ({
        labels: { cluster: cluster.name, state },
        value: Number(state === cluster.state),
      })),
    ),
  ),
  counter("http_requests_total", "HTTP requests for the cluster that were answered", ({ status }) =>
    status.clusters.flatMap((cluster) =>
      httpPools(cluster).map(({ kind, answers }) => ({
        labels: { cluster: cluster.name, pool: kind },
        value: ANSWERS.reduce((sum, code) => sum + answers[code], 0),
      })),
    ),
  ),
  counter(
    "http_responses_total",
    "Answers to HTTP requests for the cluster, by the status code's class",
    ({ status }) =>
      status.clusters.flatMap((cluster) =>
        httpPools(cluster).flatMap(({ kind, answers }) =>
          ANSWERS.map((code) => ({ labels: { cluster: cluster.name, pool: kind, code }, value: answers[code] })),
        ),
      ),
  ),
  counter(
    "endpoint_checks_failed_total",
    "Probes of the endpoint that did not pass",
    perEndpoint(({ endpoint }) => plain(endpoint.checks?.failed ?? 0)),
  ),
  counter(
    "endpoint_downs_total",
    "How often the endpoint went out of service",
    perEndpoint(({ endpoint }) => plain(endpoint.checks?.downs ?? 0)),
  ),
  counter(
    "endpoint_down_seconds_total",
    "How long the endpoint was out of service",
    perEndpoint(({ endpoint }) => plain(endpoint.checks?.downSeconds ?? 0)),
  ),
  gauge("cluster_warnings", "Warnings shown for the cluster", ({ status }) =>
    status.clusters.map(({ name, warnings }) => ({ labels: { cluster: name }, value: warnings.length })),
  ),
  gauge(
    "certificate_expiry_timestamp_seconds",
    "When the certificate that nodes show ends, since the epoch",
    ({ status }) =>
      status.clusters.flatMap(({ name, certificates }) =>
        certificates.map(({ family, notAfter }) => ({
          labels: { cluster: name, family },
          value: Date.parse(notAfter) / MS,
        })),
      ),
  ),
  counter("probes_total", "Probes of nodes that were answered or given up, by result", ({ status }) => [
    { labels: { result: "passed" }, value: status.probes.passed },
    { labels: { result: "failed" }, value: status.probes.failed },
  ]),
];
