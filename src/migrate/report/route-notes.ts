/** Notes on what became routes: frontends, ACLs, rules, backends, servers, and the mistakes in patterns. */
import type { Parts } from "../plan/plan.ts";
import type { Unit } from "../plan/units.ts";
import type { Server } from "../source/endpoints.ts";
import type { Ledger } from "../source/ledger.ts";
import { SERVER_OPTIONS } from "./server-options.ts";
import type { Group } from "../plan/groups.ts";
import type { Route } from "../plan/routes.ts";

export function noteRoutes(parts: Parts, ledger: Ledger): void {
  for (const entry of parts.entries) {
    ledger.note(entry.proxy.section.head, "carried", `listener ${entry.kind}`);
  }
  for (const group of parts.groups) {
    for (const unit of group.units) noteUnit(group, unit, ledger);
  }
}

function noteUnit(group: Group, unit: Unit, ledger: Ledger): void {
  const pool = `cluster ${group.name}, pool ${unit.kind}`;
  ledger.note(unit.backend.section.head, "carried", pool);
  for (const route of unit.routes) {
    if (route.byDefault) noteDefault(group, route, ledger);
    else ledger.note(route.line, "carried", pool);
    for (const use of route.uses) {
      if (use.line !== route.line) ledger.note(use.line, "carried", `names of cluster ${group.name}`);
      for (const fault of use.meaning.faults)
        ledger.mistake(use.line, fault.code, `${use.text}: ${fault.why}`, ADVICE[fault.code]);
    }
  }
  for (const server of unit.backend.servers) noteServer(pool, unit, server, ledger);
  for (const { line, problem } of unit.backend.unusable) {
    ledger.note(line, "cannot", `edge-lb cannot use ${problem}`, {
      code: "address",
      todo: "give an address, a host name or a range",
    });
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

/** What a default means without a name, with a name that is known, and with one that is not. */
function noteDefault(group: Group, { line, entry }: Route, ledger: Ledger): void {
  const named = group.domain !== null || group.units.some((unit) => unit.names.length + unit.labels.length > 0);
  if (named) {
    const nameless = entry.kind === "mcs" ? "are refused" : `go to ${group.name} on every listener`;
    const why = `connections without a name ${nameless}; a name nobody has gets an answer that says so`;
    ledger.note(line, "changed", why, { code: "default" });
  } else {
    const todo = `import again with --domain DOMAIN: api.DOMAIN and *.apps.DOMAIN are then ${group.name}'s`;
    const why = "the file takes every name and tells none; edge-lb routes by name";
    ledger.note(line, "cannot", why, { code: "no-names", todo });
  }
}

function noteServer(pool: string, unit: Unit, server: Server, ledger: Ledger): void {
  const isTemplate = server.line.words[0]?.text === "server-template";
  if (isTemplate && server.host.startsWith("_")) {
    const todo = "give a host name with addresses, or the nodes themselves";
    ledger.note(server.line, "cannot", "edge-lb looks up addresses, not SRV records", { code: "srv", todo });
  } else if (!server.options.has("disabled")) {
    const all = isTemplate ? `, every address of ${server.host}, however many` : "";
    ledger.note(server.line, "carried", `${pool}${all}`);
  }
  for (const option of server.options.keys()) noteOption(unit, server, option, ledger);
  noteWeight(unit, server, ledger);
  if (!server.options.has("check")) {
    ledger.note(server.line, "changed", "not checked in the source; edge-lb probes every node", { code: "unchecked" });
  }
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
  if (option.startsWith("send-proxy") && unit.kind !== "https" && unit.kind !== "http") {
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
  if (weight === undefined) return;
  const all = new Set(unit.servers.map((other) => other.options.get("weight") ?? "1"));
  if (all.size === 1) ledger.note(server.line, "not-needed", "weight: all nodes have the same");
  else {
    const todo = "balance with leastconn, which a slow node slows by itself";
    ledger.note(server.line, "cannot", `weight ${weight}: nodes of a pool have equal shares`, { code: "weight", todo });
  }
}
