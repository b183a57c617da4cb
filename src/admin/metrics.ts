/** `/metrics`: the families in Prometheus' text format, through prom-client, with the process' own numbers. */
import { readFileSync, readdirSync } from "node:fs";
import { Registry, type Metric } from "prom-client";
import type { Status } from "../control/status/report.ts";
import type { Board } from "../seam/board.ts";
import type { Service } from "../seam/services.ts";
import { FAMILIES, type MetricFamily, type MetricsInput } from "./families.ts";

export interface Metrics {
  readonly contentType: string;
  /** Costs with the number of endpoints, never with traffic. */
  text(): Promise<string>;
}

export function createMetrics(status: () => Status, board: Board, services: readonly Service[]): Metrics {
  const registry = new Registry();
  let input: MetricsInput | null = null;
  for (const family of [...FAMILIES, ...PROCESS]) {
    const { name, help, type } = family;
    // prom-client counts for itself; these are read elsewhere, so the registry is given what a metric of its own would answer
    const get = async (): Promise<object> => ({
      name,
      help,
      type,
      aggregator: "sum",
      values: input === null ? [] : family.samples(input),
    });
    registry.registerMetric({ name, help, type, get } as unknown as Metric);
  }
  return {
    contentType: registry.contentType,
    text: () => {
      input = { status: status(), board, services };
      return registry.metrics();
    },
  };
}

/** The names that every Prometheus client library uses. */
const PROCESS: readonly MetricFamily[] = [
  family("process_cpu_seconds_total", "counter", "User and system CPU time", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }),
  family("process_resident_memory_bytes", "gauge", "Resident memory", () => process.memoryUsage.rss()),
  family("process_start_time_seconds", "gauge", "Start of the process since the epoch", () => STARTED_SECONDS),
  family("process_open_fds", "gauge", "Open descriptors", openDescriptors),
  family("process_max_fds", "gauge", "Descriptors at most", mostDescriptors),
];

const STARTED_SECONDS = Date.now() / 1_000 - process.uptime();

/** @param read NaN where this machine cannot tell */
function family(name: string, type: "gauge" | "counter", help: string, read: () => number): MetricFamily {
  return {
    name,
    type,
    help,
    samples: () => {
      const value = read();
      return Number.isNaN(value) ? [] : [{ labels: {}, value }];
    },
  };
}

function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return Number.NaN;
  }
}

function mostDescriptors(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
  } catch {
    return Number.NaN;
  }
}
