/** One group of pools as the keys of a cluster. */
import { CLUSTER, clusterWith } from "../../config/options/cluster-options.ts";
import type { Option } from "../../config/options/option.ts";
import type { Policy, Service, ServiceName } from "../../seam/services.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import { readHaproxyTime } from "../source/duration.ts";
import type { Server } from "../source/endpoints.ts";
import { lastLine } from "../source/sections.ts";
import type { Ledger } from "../source/ledger.ts";
import { isDualStack } from "./dual-stack.ts";
import { clusterNames, type Claims, type ClusterNames, type Served } from "./cluster-names.ts";
import type { Group } from "./groups.ts";
import { notedOption, optionTexts, type ImportedCluster, type OptionTexts } from "./imported.ts";
import { compressNodes } from "./node-ranges.ts";
import { proxyVersion } from "./proxy-version.ts";
import { hostsOf, portOf, sameHosts, type Unit } from "./units.ts";
import { isFurther, roleFor } from "../routes/services.ts";

/** What a cluster's keys depend on beside its own pools. */
export interface ClusterFacts {
  /** Domains that end the label rule, the best first, see `StandInDomains`. */
  readonly standIns: readonly string[];
  /** Services that the source has listeners for. */
  readonly listening: ReadonlySet<ServiceName>;
  /** Plain HTTP for its names is answered with a redirect. */
  readonly redirects: boolean;
  /** Names that nobody claims are its own too. */
  readonly takesNames: boolean;
  readonly takesApiNames: boolean;
  /** The same on these further services. */
  readonly takesRest: ReadonlySet<ServiceName>;
  readonly services: readonly Service[];
  /** Who may come, and how many. */
  readonly limits: readonly OptionTexts[];
}

export function importCluster(group: Group, facts: ClusterFacts, claims: Claims, ledger: Ledger): ImportedCluster {
  const { standIns } = facts;
  const { domain, names, apiNames, ownNames } = clusterNames(group, standIns, servedBy(group, facts), claims, ledger);
  const options = [
    ...optionTexts(CLUSTER.domain, domain === null ? [] : [domain]),
    ...nodeOptions(nodeLists(group, facts), clusterWith(facts.services)),
    ...optionTexts(CLUSTER.names, [...names, ...(facts.takesNames ? ["*"] : [])]),
    ...optionTexts(CLUSTER.apiNames, [...apiNames, ...(facts.takesApiNames ? ["*"] : [])]),
    ...furtherNames(facts, ownNames),
    ...portOptions(group, facts, ledger),
    ...balanceOptions(group, facts, ledger),
    ...checkOptions(group),
    ...proxyOption(group, ledger),
    ...optionTexts(CLUSTER.redirectHttps, facts.redirects ? ["on"] : []),
    ...facts.limits,
  ];
  noteDualStack(group, ledger);
  return { group, options };
}

function unitsOfKind(group: Group, ...kinds: ServiceName[]): Unit[] {
  return group.units.filter((unit) => kinds.includes(unit.kind));
}

/** Hosts of each list that the cluster gets. */
interface NodeLists {
  readonly nodes: readonly string[];
  readonly api: readonly string[];
  readonly ingress: readonly string[];
  readonly https: readonly string[];
  readonly http: readonly string[];
  /** Of one service alone, where it has others than its role. */
  readonly own: ReadonlyMap<ServiceName, readonly string[]>;
}

/** A list for each pool where they differ, for both routers' pools where they are the same, for all where even the API's are. */
function nodeLists(group: Group, { listening, redirects, services }: ClusterFacts): NodeLists {
  const hosts = (kind: ServiceName): string[] => hostsOf(unitsOfKind(group, kind));
  const [api, mcs, https, http] = [hosts("api"), hosts("mcs"), hosts("https"), hosts("http")];
  const further = services.map(({ name }) => name).filter(isFurther);
  const first = further.find((kind) => hosts(kind).length > 0);
  const control = api.length > 0 ? api : mcs.length > 0 || first === undefined ? mcs : hosts(first);
  const own = sameHosts(control, mcs) ? [] : mcs;
  // A list for both pools gives each one nodes: only where the other has the same, or nobody asks there.
  const httpToo = sameHosts(https, http) || (http.length === 0 && (redirects || !listening.has("http")));
  const httpsToo = https.length === 0 && !listening.has("https");
  const ingress = httpToo ? https : httpsToo ? http : [];
  const isOne = control.length > 0 && sameHosts(control, ingress);
  return {
    nodes: isOne ? control : [],
    api: isOne ? [] : control,
    ingress: isOne ? [] : ingress,
    https: ingress.length > 0 ? [] : https,
    http: ingress.length > 0 ? [] : http,
    own: new Map([
      ["mcs", own],
      ...further.map((kind) => [kind, sameHosts(control, hosts(kind)) ? [] : hosts(kind)] as const),
    ]),
  };
}

function nodeOptions(lists: NodeLists, { ownNodes }: typeof CLUSTER): OptionTexts[] {
  const options: Readonly<Partial<Record<ServiceName, Option<unknown>>>> = ownNodes;
  return [
    ...optionTexts(CLUSTER.nodes, compressNodes(lists.nodes)),
    ...optionTexts(CLUSTER.api, compressNodes(lists.api)),
    ...optionTexts(CLUSTER.ingress, compressNodes(lists.ingress)),
    ...optionTexts(ownNodes.https, compressNodes(lists.https)),
    ...optionTexts(ownNodes.http, compressNodes(lists.http)),
    ...[...lists.own].flatMap(([kind, nodes]) => {
      const option = options[kind];
      return option === undefined ? [] : optionTexts(option, compressNodes(nodes));
    }),
  ];
}

/** Services that the cluster has nodes for, whether the source leads there or not. */
function servedBy(group: Group, facts: ClusterFacts): Served {
  const { nodes, api, ingress, https, http, own } = nodeLists(group, facts);
  const any = nodes.length;
  const counts: Readonly<Record<ServiceName, number>> = {
    https: any + ingress.length + https.length,
    http: any + ingress.length + http.length,
  };
  const all = facts.services.map(({ name }) => name);
  const served = all.filter((kind) => (counts[kind] ?? any + api.length + (own.get(kind)?.length ?? 0)) > 0);
  return { all: new Set(served), listening: new Set(served.filter((kind) => facts.listening.has(kind))) };
}

/** Nodes of both families of addresses are one pool, whichever one a client comes by. */
function noteDualStack(group: Group, ledger: Ledger): void {
  for (const unit of group.units.filter((one) => group.units.some((other) => isDualStack(one, other)))) {
    const why = `IPv4 and IPv6 lead to one cluster: ${group.name} has the nodes of both in each pool`;
    ledger.note(unit.backend.section.head, "changed", why, { code: "dual-stack" });
  }
}

/** What leads to further services alone. */
function furtherNames({ services, takesRest }: ClusterFacts, names: ClusterNames["ownNames"]): OptionTexts[] {
  const options: Readonly<Record<ServiceName, Option<unknown>>> = clusterWith(services).ownNames;
  return Object.entries(options).flatMap(([kind, option]) =>
    optionTexts(option, [...(names.get(kind) ?? []), ...(takesRest.has(kind) ? ["*"] : [])]),
  );
}

function portOptions(group: Group, { services }: ClusterFacts, ledger: Ledger): OptionTexts[] {
  const options: Readonly<Partial<Record<ServiceName, Option<unknown>>>> = clusterWith(services).ports;
  const kinds = [...new Set(group.units.map((unit) => unit.kind))];
  return kinds.flatMap((kind) => {
    const units = unitsOfKind(group, kind);
    for (const unit of units) noteLeftOut(group, unit, ledger);
    const ports = units.flatMap((unit) => portOf(unit) ?? []);
    const option = options[kind];
    return option === undefined ? [] : optionTexts(option, ports.slice(0, 1).map(String));
  });
}

function noteLeftOut(group: Group, unit: Unit, ledger: Ledger): void {
  const why = `left out of cluster ${group.name}, pool ${unit.kind}: a pool has one port on all nodes, here ${portOf(unit)}`;
  for (const { line } of unit.leftOut)
    ledger.note(line, "cannot", why, {
      code: "ports-differ",
      todo: "make a cluster of each port, with names of its own",
    });
}

function balanceOptions(group: Group, { services }: ClusterFacts, ledger: Ledger): OptionTexts[] {
  const options: Readonly<Partial<Record<ServiceName, Option<Policy>>>> = clusterWith(services).balance;
  const done = new Set<ServiceName>();
  return group.units.flatMap((unit) => {
    const option = options[unit.kind];
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

/** `hash req.ssl_sni`, and the variables that usually hold the name. */
const BY_NAME = /^hash (req\.hdr\(host\)|req[._]ssl_sni|var\((sess|txn|req)\.(sni|host)\)).*/;

/** Null: edge-lb's own default for this listener. */
function policyOf(unit: Unit, ledger: Ledger): Policy | null {
  const { section } = unit.backend;
  const balance = lastLine(section, ["balance"]);
  const line = stickLine(unit) ?? balance;
  if (line === null) return null;
  if (balance !== null && line !== balance) {
    const why =
      "stick on src decides after the first connection: the client's address chooses the node from the first one on";
    ledger.note(balance, "changed", why, { code: "balance" });
  }
  const isStick = wordAt(line, 0) === "stick";
  const written = isStick ? "source" : wordsFrom(line, 1).join(" ").toLowerCase();
  const policy = POLICIES[written.split(" ")[0] ?? ""] ?? POLICIES[written.replace(BY_NAME, "hdr(host)")];
  if (policy === "source" && roleFor(unit.kind) === "api") {
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
  return numbers(unit.servers, "port", Number).filter((port) => port <= 65_535 && port !== portOf(unit));
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
