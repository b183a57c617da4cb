/** Notes on what became routes: frontends, ACLs, rules, backends, servers, and the mistakes in patterns. */
import type { Parts } from "../plan/plan.ts";
import type { Unit } from "../plan/units.ts";
import { isLoopback } from "../source/inner-frontends.ts";
import type { Server } from "../source/endpoints.ts";
import type { Ledger } from "../source/ledger.ts";
import { SERVER_OPTIONS } from "./server-options.ts";
import { takesMore, takesRest } from "../plan/catch-alls.ts";
import type { Group } from "../plan/groups.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { SourceLine } from "../source/lexer.ts";
import { isOut } from "../source/proxies.ts";
import type { Route } from "../routes/routes.ts";
import { isFurther, roleFor } from "../routes/services.ts";

export function noteRoutes(parts: Parts, ledger: Ledger): void {
  for (const entry of parts.entries) {
    ledger.note(entry.proxy.section.head, "carried", `listener ${entry.kind}`);
  }
  for (const group of parts.groups) {
    for (const unit of group.units) noteUnit(parts, group, unit, ledger);
  }
}

function noteUnit(parts: Parts, group: Group, unit: Unit, ledger: Ledger): void {
  const pool = `cluster ${group.name}, pool ${unit.kind}`;
  ledger.note(unit.backend.section.head, "carried", pool);
  if (group.httpOf !== null) {
    const why = `plain HTTP of cluster ${group.httpOf} is cluster ${group.name}: one cluster has the same names and PROXY header on https and http, and here they differ`;
    ledger.note(unit.backend.section.head, "changed", why, { code: "http-apart" });
  }
  for (const route of unit.routes) noteRoute(parts, group, route, pool, ledger);
  const byRule = new Set(unit.backend.serverRules.map(({ serverName }) => serverName));
  for (const server of unit.backend.servers) {
    if (unit.leftOut.includes(server)) continue;
    if (!isOut(server) || !byRule.has(server.name)) noteServer(pool, unit, server, ledger);
  }
  for (const { line, problem } of unit.backend.unusable) {
    ledger.note(line, "cannot", `edge-lb cannot use ${problem}`, {
      code: "address",
      todo: "give an address, a host name or a range",
    });
  }
}

function noteRoute(parts: Parts, group: Group, route: Route, pool: string, ledger: Ledger): void {
  if (route.nameless || route.rest) noteTakesAll(parts, group, route, ledger);
  if (route.uses.length > 0) ledger.note(route.line, "carried", pool);
  for (const line of route.via) ledger.note(line, "carried", `${pool}, through a frontend of the same file`);
  for (const use of route.uses) {
    if (use.line !== route.line) ledger.note(use.line, "carried", `names of cluster ${group.name}`);
    for (const fault of use.meaning.faults)
      ledger.mistake(use.line, fault.code, `${use.text}: ${fault.why}`, ADVICE[fault.code]);
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  "unanchored-end": "edge-lb compares whole labels; in HAProxy, end it with $",
  "unanchored-start": "edge-lb compares whole labels; in HAProxy, start it with ^",
  "any-character": "edge-lb compares whole labels; in HAProxy, write \\.",
  "no-boundary": "edge-lb compares whole labels; in HAProxy, start it with a dot",
  "one-label": "edge-lb takes any depth",
  case: "edge-lb ignores case; in HAProxy, add -i",
  "literal-star": "edge-lb takes it as everything below",
  substring: "edge-lb compares whole labels; in HAProxy, use -m end",
  prefix: "give the cluster its domain",
  "host-port": "edge-lb ignores the port of a Host",
};

/** What becomes of connections without a name, and of names that no rule speaks of. */
function noteTakesAll(parts: Parts, group: Group, { line, entry, nameless, rest }: Route, ledger: Ledger): void {
  const { kind } = entry;
  const takers = parts.catchAlls.get(kind);
  if (takers?.disagree === true && kind !== "mcs") return noteDisagree(parts, group, line, kind, ledger);
  if (takers !== undefined && takers.nameless !== takers.rest) {
    const where = takers.nameless === null ? "are refused" : `go to ${takers.nameless.name}`;
    const why = `an address, localhost and kubernetes.default say no name: they ${where}, as connections without one`;
    ledger.note(line, "changed", why, { code: "no-name" });
  }
  const without = `connections without a name go to ${group.name}`;
  if (kind === "mcs") {
    const why = "the machine-config listener answers by name, or to the network of one cluster's nodes";
    ledger.note(line, "changed", why, { code: "default" });
  } else if (!rest) {
    ledger.note(line, "carried", without);
  } else if (takesMore(parts.catchAlls, group, kind)) {
    const where = kind === "http" ? "https" : "http";
    const why = `names that nobody claims go to ${group.name}, on ${where} too, where the source refuses them: names: "*"`;
    ledger.note(line, "changed", why, { code: "default" });
  } else if (takesRest(parts.catchAlls, group, kind)) {
    const key = namesKey(kind);
    const why = `${nameless ? `${without}, and ` : ""}names that nobody claims go to ${group.name}: ${key}: "*"`;
    ledger.note(line, "carried", why, { code: "default" });
  } else {
    const why = `${nameless ? `${without}; ` : ""}a name nobody has gets an answer that says so, on https and on http alike`;
    const todo = `names: "*" of cluster ${group.name} takes them all, on both`;
    ledger.note(line, "changed", why, { code: "default", todo });
  }
}

/** The key of a cluster whose names lead to its pool of this service. */
function namesKey(kind: ServiceName): string {
  return isFurther(kind) ? `${kind}-names` : roleFor(kind) === "api" ? "api-names" : "names";
}

/** Clusters that the source tells apart by the address or port that clients come to. */
function noteDisagree({ groups }: Parts, group: Group, line: SourceLine, kind: ServiceName, ledger: Ledger): void {
  const why = `the source tells its clusters apart by the address or port of the listener, edge-lb by the name asked for: what names none, and names nobody has, are refused`;
  const key = `${namesKey(kind)}= of cluster ${group.name}`;
  const example = groups.length > 1 ? `${key}, or import with --domain ${group.name}=DOMAIN` : key;
  const todo = group.domain === null ? `give each cluster its names: ${example}` : `further names go into ${key}`;
  ledger.note(line, "cannot", why, { code: "second-default", todo });
}

function noteServer(pool: string, unit: Unit, server: Server, ledger: Ledger): void {
  const isTemplate = server.line.words[0]?.text === "server-template";
  if (isTemplate && server.host.startsWith("_")) {
    const todo = "give a host name with addresses, or the nodes themselves";
    ledger.note(server.line, "cannot", "edge-lb looks up addresses, not SRV records", { code: "srv", todo });
  } else if (server.options.get("weight") === "0" && !server.options.has("disabled")) {
    const why = "weight 0: left out, as it gets no traffic; at run time: edge-lb drain CLUSTER/NODE";
    ledger.note(server.line, "changed", why, { code: "weight-0" });
  } else if (!server.options.has("disabled")) {
    const all = isTemplate ? `, every address of ${server.host}, however many` : "";
    ledger.note(server.line, "carried", `${pool}${all}`);
  }
  noteOwnAddress(unit, server, ledger);
  for (const option of server.options.keys()) noteOption(unit, server, option, ledger);
  noteWeight(unit, server, ledger);
  if (!server.options.has("check")) {
    ledger.note(server.line, "changed", "not checked in the source; edge-lb probes every node", { code: "unchecked" });
  }
}

/** A listener that connects to itself. */
function noteOwnAddress({ routes }: Unit, server: Server, ledger: Ledger): void {
  const binds = routes.flatMap(({ entry }) => entry.binds);
  const own = binds.find(({ ip, port }) => {
    const isHere = ip === "" ? isLoopback(server.host) : ip === server.host;
    return isHere && (server.port ?? port) === port;
  });
  if (own === undefined) return;
  const why = `${server.host}:${own.port} is the listener itself: edge-lb does not start with such a node, and HAProxy connects to itself until nothing is left`;
  ledger.note(server.line, "cannot", why, { code: "own-address", todo: "name the machine that is meant" });
}

function noteOption(unit: Unit, server: Server, option: string, ledger: Ledger): void {
  if (option === "weight") return;
  const known = SERVER_OPTIONS[option];
  if (known === undefined) {
    const todo = "look up what it does; edge-lb has no word for it";
    ledger.note(server.line, "cannot", `the server option ${option} is not known to edge-lb`, { code: "option", todo });
    return;
  }
  const [fate, why, todo] = known;
  if (option.startsWith("send-proxy") && roleFor(unit.kind) === "api") {
    ledger.mistake(
      server.line,
      "api-proxy",
      "kube-apiserver cannot read the PROXY protocol: it answers record overflow",
    );
    ledger.note(server.line, "cannot", "no PROXY header goes to the API", {
      code: "api-proxy",
      todo: "drop send-proxy",
    });
  } else if (fate !== "carried") {
    ledger.note(server.line, fate, `${option}: ${why}`, todo === undefined ? { code: option } : { code: option, todo });
  }
}

/** Equal weights say nothing; different ones have no place in edge-lb. */
function noteWeight(unit: Unit, server: Server, ledger: Ledger): void {
  const weight = server.options.get("weight");
  if (weight === undefined || weight === "0") return;
  const all = new Set(unit.servers.map((other) => other.options.get("weight") ?? "1"));
  if (all.size === 1) ledger.note(server.line, "not-needed", "weight: all nodes have the same");
  else {
    const todo = "balance with leastconn, which a slow node slows by itself";
    ledger.note(server.line, "cannot", `weight ${weight}: nodes of a pool have equal shares`, { code: "weight", todo });
  }
}
