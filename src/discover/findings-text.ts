/** What one look found, as text: YAML with the evidence as comments, or flags. */
import { stringify } from "yaml";
import type { Findings } from "../core/discover/clusters.ts";
import { keysByRole, rangesOf, specOf, withPorts, type WrittenCluster } from "./cluster-text.ts";
import { apiPort, httpsPort, type Ports } from "./look.ts";

export interface FindingsInput {
  readonly findings: Findings;
  readonly portsOf: (ip: string) => Ports;
  /** As they were asked for. */
  readonly sources: readonly string[];
  readonly asked: number;
  readonly answered: number;
}

/** A file that edge-lb can be started with. */
export function yamlText(input: FindingsInput): string {
  const clusters = writtenOf(input);
  const parts = clusters.map((cluster) => {
    const keys = keysByRole(cluster).map(([key, items]) => `    ${key}: ${valueText(key, items)}`);
    const evidence = evidenceOf(cluster).map((line) => `    # ${line}`);
    return [`  ${stringify(cluster.name).trim()}:`, ...evidence, ...keys].join("\n");
  });
  const { sources, asked, answered } = input;
  const head = `# edge-lb discover ${sources.join(" ")}: ${asked} addresses asked, ${answered} answered`;
  const notes = notesOf(input).map((line) => `# ${line}`);
  return `${[head, clusters.length === 0 ? "clusters: {}" : "clusters:", ...parts, ...notes].join("\n")}\n`;
}

/** One flag a line, for a command line. */
export function flagsText(input: FindingsInput): string {
  return writtenOf(input)
    .map((cluster) => `--cluster ${specOf(cluster.name, keysByRole(cluster))}\n`)
    .join("");
}

/** What is no cluster yet, and why. */
export function notesOf({ findings, portsOf }: FindingsInput): readonly string[] {
  const { nameless, foreign, taken } = findings;
  const byIssuer = new Map<string, string[]>();
  for (const { ip, issuer } of nameless) byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), ip]);
  const unnamed = [...byIssuer.values()].map((ips) => {
    const ports = Object.entries(portsOf(ips[0] ?? "")).map(([key, port]) => `,${key}=${port}`);
    return `  --cluster NAME=${rangesOf(ips).join(",")},domain=DOMAIN${ports.join("")}`;
  });
  return [
    ...(unnamed.length === 0
      ? []
      : ["found, but nameless: an API whose certificate has no name for clients outside", ...unnamed]),
    ...foreign.map(
      ({ ip, claims, issuer }) => `foreign: ${ip} shows ${claims} signed by another authority (${issuer})`,
    ),
    ...taken.map(({ ip, what, cluster }) => `${ip} serves ${what}, which is cluster ${cluster}'s`),
  ];
}

function writtenOf({ findings, portsOf }: FindingsInput): readonly WrittenCluster[] {
  return findings.clusters.map((cluster) => withPorts(cluster, portsOf));
}

function evidenceOf({ domain, api, ingress, apiNames, ports, labels }: WrittenCluster): readonly string[] {
  const machines = [...labels].map(([ip, label]) => `${ip} ${label}`);
  const isNamed = domain !== null && api.length > 0;
  return [
    ...(isNamed ? [`api.${domain} is what ${rangesOf(api).join(", ")} shows on port ${apiPort(ports)}`] : []),
    ...(ingress.length > 0
      ? [`*.apps.${domain} is what ${rangesOf(ingress).join(", ")} shows on port ${httpsPort(ports)}`]
      : []),
    ...(apiNames.length > 0 ? [`further names in the certificate of the API: ${apiNames.join(", ")}`] : []),
    ...(machines.length > 0 ? [`machines: ${machines.join(", ")}`] : []),
  ].map((line) => line.replaceAll(/[\n\r\u2028\u2029\u0085]/g, " "));
}

const LISTS = new Set(["nodes", "api", "ingress", "api-names"]);

function valueText(key: string, items: readonly string[]): string {
  if (key.endsWith("-port")) return items[0] ?? "";
  if (!LISTS.has(key)) return stringify(items[0] ?? "").trim();
  return `[${items.map((item) => stringify(item).trim()).join(", ")}]`;
}
