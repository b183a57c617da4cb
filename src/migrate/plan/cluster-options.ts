/** One group of pools as the keys of a cluster. */
import { CLUSTER } from "../../config/cluster-options.ts";
import type { Option } from "../../config/option.ts";
import type { BuiltInName, Policy } from "../../seam/services.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import { readHaproxyTime } from "../source/duration.ts";
import type { Server } from "../source/endpoints.ts";
import { lastLine } from "../source/proxies.ts";
import type { Ledger } from "../source/ledger.ts";
import { clusterNames, type Claims } from "./cluster-names.ts";
import type { Group } from "./groups.ts";
import { notedOption, optionTexts, type ImportedCluster, type OptionTexts } from "./imported.ts";
import { compressNodes } from "./node-ranges.ts";
import { portsOf, type Unit } from "./units.ts";

export interface ClusterFacts {
  /** Plain HTTP for its names is answered with a redirect. */
  readonly redirects: boolean;
}

export function importCluster(group: Group, facts: ClusterFacts, claims: Claims, ledger: Ledger): ImportedCluster {
  const { domain, names, apiNames } = clusterNames(group, claims, ledger);
  const options = [
    ...optionTexts(CLUSTER.domain, domain === null ? [] : [domain]),
    ...nodeOptions(group, ledger),
    ...optionTexts(CLUSTER.names, names),
    ...optionTexts(CLUSTER.apiNames, apiNames),
    ...portOptions(group, ledger),
    ...balanceOptions(group, ledger),
    ...checkOptions(group),
    ...proxyOption(group, ledger),
    ...optionTexts(CLUSTER.redirectHttps, facts.redirects ? ["on"] : []),
  ];
  return { group, options };
}

function unitsOfKind(group: Group, ...kinds: BuiltInName[]): Unit[] {
  return group.units.filter((unit) => kinds.includes(unit.kind));
}

export function hostsOf(units: readonly Unit[]): string[] {
  return [...new Set(units.flatMap((unit) => unit.servers.map((server) => server.host)))];
}

function sameHosts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((host) => b.includes(host));
}

/** Nodes of both roles go into `nodes`; https and http nodes that differ too, edge-lb finds out what each serves. */
function nodeOptions(group: Group, ledger: Ledger): OptionTexts[] {
  const [api, mcs] = [hostsOf(unitsOfKind(group, "api")), hostsOf(unitsOfKind(group, "mcs"))];
  const [https, http] = [hostsOf(unitsOfKind(group, "https")), hostsOf(unitsOfKind(group, "http"))];
  const control = api.length > 0 ? api : mcs;
  if (mcs.length > 0 && !sameHosts(control, mcs))
    noteNodes(group, ["mcs"], "the machine-config pool has the API's nodes", ledger);
  const differ = https.length > 0 && http.length > 0 && !sameHosts(https, http);
  const ingress = [...new Set([...https, ...http])];
  if (differ) {
    noteNodes(
      group,
      ["https", "http"],
      "https and http have different nodes: edge-lb probes them all and uses each for what it serves",
      ledger,
    );
    return [...optionTexts(CLUSTER.nodes, compressNodes(ingress)), ...optionTexts(CLUSTER.api, compressNodes(control))];
  }
  if (control.length > 0 && sameHosts(control, ingress)) return optionTexts(CLUSTER.nodes, compressNodes(control));
  return [...optionTexts(CLUSTER.api, compressNodes(control)), ...optionTexts(CLUSTER.ingress, compressNodes(ingress))];
}

function noteNodes(group: Group, kinds: readonly BuiltInName[], why: string, ledger: Ledger): void {
  for (const unit of unitsOfKind(group, ...kinds)) {
    ledger.note(unit.backend.section.head, "changed", why, { code: "nodes-differ" });
  }
}

function portOptions(group: Group, ledger: Ledger): OptionTexts[] {
  const kinds = [...new Set(group.units.map((unit) => unit.kind))];
  return kinds.flatMap((kind) => {
    const units = unitsOfKind(group, kind);
    const ports = [...new Set(units.flatMap(portsOf))];
    if (ports.length > 1) {
      for (const unit of units) {
        const why = `its servers listen on different ports (${ports.join(", ")}); a pool has one port on all nodes`;
        ledger.note(unit.backend.section.head, "cannot", why, {
          code: "ports-differ",
          todo: "make a cluster of each port",
        });
      }
    }
    return optionTexts(CLUSTER.ports[kind], ports.slice(0, 1).map(String));
  });
}

const BALANCE: Readonly<Partial<Record<BuiltInName, Option<Policy>>>> = CLUSTER.balance;

function balanceOptions(group: Group, ledger: Ledger): OptionTexts[] {
  const done = new Set<BuiltInName>();
  return group.units.flatMap((unit) => {
    const option = BALANCE[unit.kind];
    const policy = policyOf(unit, ledger);
    if (option === undefined || policy === null || done.has(unit.kind)) return [];
    done.add(unit.kind);
    return optionTexts(option, [policy]);
  });
}

/** HAProxy's algorithms that are a policy of edge-lb, by their first word. */
const POLICIES: Readonly<Record<string, Policy>> = {
  roundrobin: "roundrobin",
  "static-rr": "roundrobin",
  leastconn: "leastconn",
  source: "source",
  "hdr(host)": "host",
};

/** Null: edge-lb's own default for this listener. */
function policyOf(unit: Unit, ledger: Ledger): Policy | null {
  const { section } = unit.backend;
  const line = stickLine(unit) ?? lastLine(section, ["balance"]);
  if (line === null) return null;
  const isStick = wordAt(line, 0) === "stick";
  const written = isStick ? "source" : wordsFrom(line, 1).join(" ").toLowerCase();
  const policy =
    POLICIES[written.split(" ")[0] ?? ""] ?? POLICIES[written.replace(/^hash req\.hdr\(host\).*/, "hdr(host)")];
  if (policy === "source" && (unit.kind === "api" || unit.kind === "mcs")) {
    const why =
      "the API needs no persistence: leastconn spreads its long connections, and a lost node costs nobody else";
    ledger.mistake(
      line,
      "api-source",
      "half the clients hash to a node that died until checks notice, and OpenShift forbids persistence on the API",
    );
    ledger.note(line, "changed", why, { code: "api-source" });
    return null;
  }
  if (policy !== undefined) {
    ledger.note(
      line,
      "carried",
      `${unit.kind}: ${policy}${isStick ? ", the client's address chooses the node without a table" : ""}`,
    );
    return policy;
  }
  noteOtherBalance(line, written, unit, ledger);
  return null;
}

function noteOtherBalance(line: SourceLine, written: string, unit: Unit, ledger: Ledger): void {
  if (/^(random|first)/.test(written)) {
    ledger.note(line, "changed", `${written} is not offered: ${unit.kind} uses its default`, { code: "balance" });
  } else {
    const todo = "choose leastconn, source, host or roundrobin";
    ledger.note(line, "cannot", `edge-lb does not balance by ${written}`, { code: "balance", todo });
  }
}

function stickLine(unit: Unit): SourceLine | null {
  const line = lastLine(unit.backend.section, ["stick"]);
  return line !== null && /^stick (on|match) src\b/.test(line.text) ? line : null;
}

/** Rise, fall and interval as the source has them, where it says something. */
function checkOptions(group: Group): OptionTexts[] {
  const checked = group.units.flatMap((unit) => unit.servers).filter((server) => server.options.has("check"));
  const intervals = numbers(checked, "inter", readHaproxyTime);
  const ready = unitsOfKind(group, "https", "http").flatMap((unit) => readyPorts(unit));
  return [
    ...optionTexts(CLUSTER.rise, largest(numbers(checked, "rise", Number))),
    ...optionTexts(CLUSTER.fall, largest(numbers(checked, "fall", Number))),
    ...optionTexts(
      CLUSTER.intervalMs,
      intervals.length === 0 ? [] : [CLUSTER.intervalMs.show(Math.max(100, Math.min(...intervals)))],
    ),
    ...optionTexts(CLUSTER.ports.ready, ready.slice(0, 1).map(String)),
  ];
}

function largest(values: readonly number[]): string[] {
  return values.length === 0 ? [] : [String(Math.min(100, Math.max(...values)))];
}

function numbers(servers: readonly Server[], option: string, read: (text: string) => number | null): number[] {
  return servers.flatMap((server) => {
    const text = server.options.get(option);
    const value = text === undefined ? null : read(text);
    return value === null || !(value >= 1) ? [] : [value];
  });
}

/** A check port of its own with an HTTP check is the routers' readiness. */
function readyPorts(unit: Unit): number[] {
  if (lastLine(unit.backend.section, ["option", "httpchk"]) === null) return [];
  return numbers(unit.servers, "port", Number).filter((port) => port <= 65_535 && !portsOf(unit).includes(port));
}

function proxyOption(group: Group, ledger: Ledger): OptionTexts[] {
  const versions = unitsOfKind(group, "https", "http").flatMap((unit) =>
    unit.servers.map((server) => proxyVersion(server)),
  );
  const [version = "off"] = versions;
  if (new Set(versions).size > 1) {
    for (const server of group.units.flatMap((unit) => unit.servers).filter((one) => proxyVersion(one) !== "off")) {
      const todo = "let all ingress endpoints of a cluster expect the PROXY protocol, or none";
      ledger.note(server.line, "cannot", "the PROXY protocol goes to all ingress endpoints of a cluster or to none", {
        code: "send-proxy",
        todo,
      });
    }
    return [];
  }
  const senders = unitsOfKind(group, "https", "http").flatMap((unit) =>
    unit.servers.filter((server) => proxyVersion(server) !== "off"),
  );
  const origins = senders.map(({ line }) => ({ line, fate: "carried" as const, why: `send-proxy ${version}` }));
  return notedOption(CLUSTER.sendProxy, [version], origins, ledger);
}

export function proxyVersion(server: Server): "off" | "v1" | "v2" {
  if ([...server.options.keys()].some((key) => key.startsWith("send-proxy-v2"))) return "v2";
  return server.options.has("send-proxy") ? "v1" : "off";
}
