/** Mistakes in the source that show in the whole rather than in one pattern. */
import type { Parts } from "../plan/plan.ts";
import { domainsOf, type Group } from "../plan/groups.ts";
import type { Entry } from "../routes/entry.ts";
import type { Unit } from "../plan/units.ts";
import { findBackend } from "../source/configuration.ts";
import { conditionAt } from "../source/conditions.ts";
import { readHaproxyTime } from "../source/duration.ts";
import { HOST_FETCHES, isNameSample, SNI_FETCHES } from "../source/fetches.ts";
import { wordAt, type SourceLine } from "../source/lexer.ts";
import { hasAddressInHead, hasOption, type Proxy } from "../source/proxies.ts";
import { lastLine, linesOf } from "../source/sections.ts";
import type { AclTest } from "../source/samples.ts";
import { testsOf } from "../routes/candidates.ts";
import type { Ledger } from "../source/ledger.ts";
import { PREDEFINED } from "./rule-notes.ts";
import { roleFor } from "../routes/services.ts";

export function findMistakes(parts: Parts, ledger: Ledger): void {
  for (const entry of parts.entries) inEntry(parts, entry, ledger);
  for (const unit of parts.units) inUnit(unit, ledger);
  for (const group of parts.groups) inGroup(group, ledger);
  const referenced = referencedBackends(parts.source.proxies);
  for (const proxy of parts.source.proxies) inProxy(parts, proxy, referenced, ledger);
  for (const page of parts.stats) inStats(page, ledger);
  noMachineConfig(parts, ledger);
}

function inEntry({ source, routes }: Parts, entry: Entry, ledger: Ledger): void {
  const { proxy, kind } = entry;
  const { head } = proxy.section;
  const backend = proxy.defaultBackend === null ? null : findBackend(source, proxy.defaultBackend.name);
  const takesAll = proxy.defaultBackend !== null || routes.some((route) => route.entry === entry && route.rest);
  if (!takesAll && !proxy.steps.some((step) => step.effect === "redirect-https")) {
    const seen = proxy.mode === "tcp" ? "the connection closed without a word (<NOSRV> in the log)" : "a bare 503";
    ledger.mistake(
      head,
      "no-default",
      `no default_backend: a name nobody has gets ${seen}`,
      "edge-lb answers with a TLS alert or a page that says so",
    );
  }
  if (proxy.mode !== "tcp" || kind === "mcs") return;
  const readsSni = /\b(req[._]ssl_sni)\b/.test(proxy.section.lines.map((line) => line.text).join("\n"));
  if (readsSni && !proxy.waits.forHello) {
    const why =
      "without inspect-delay and a tcp-request content rule HAProxy does not wait for the hello: rules run before the name is there";
    ledger.mistake(head, "no-inspect-delay", why, "edge-lb always waits");
  }
  if (!(lastLine(proxy.section, ["log-format"])?.text.includes("ssl_sni") ?? false) && backend?.mode !== "http") {
    const at = lastLine(proxy.section, ["option", "tcplog"]) ?? head;
    ledger.mistake(
      at,
      "sni-not-logged",
      "nothing in the log tells which name a client asked for",
      "edge-lb logs it on every line",
    );
  }
}

/** Below this an idle `exec`, `logs -f` or watch is cut in normal use. */
const IDLE_LEAST_MS = 600_000;

function inUnit(unit: Unit, ledger: Ledger): void {
  const { backend, kind } = unit;
  const { section } = backend;
  const fronts = unit.routes.map((route) => route.entry.proxy);
  const name = lastLine(section, ["http-send-name-header"]);
  if (name !== null && /^host$/i.test(wordAt(name, 1)) && backend.mode === "http") {
    const label = backend.servers[0]?.name ?? "its label";
    const why = `the node gets "Host: ${label}" instead of the host asked for: every route of an ingress becomes a 503, and HAProxy 3.3 refuses it`;
    ledger.mistake(name, "host-overwritten", why, "edge-lb passes Host unchanged");
    ledger.note(name, "changed", "Host is passed unchanged", { code: "host-overwritten" });
  }
  if (kind !== "http") inModeHttp(unit, ledger);
  if (kind !== "http" && kind !== "mcs") shortIdle(fronts, backend, ledger);
  if (hasOption(section, "ssl-hello-chk")) {
    const line = lastLine(section, ["option", "ssl-hello-chk"]) ?? section.head;
    ledger.mistake(
      line,
      "hello-check",
      "a node that answers with a TLS alert counts as up, and the API server logs an error for each check",
      "edge-lb asks /readyz or :1936/healthz/ready",
    );
  }
  const plain = unit.servers.some((server) => server.options.has("check") && !server.options.has("check-ssl"));
  const deeper = ["httpchk", "ssl-hello-chk", "tcp-check"].some((option) => hasOption(section, option));
  if (plain && !deeper) {
    ledger.mistake(
      section.head,
      "plain-check",
      "a check that only connects: a node that listens but is not ready gets traffic",
      "edge-lb asks /readyz or :1936/healthz/ready",
    );
  }
}

function inModeHttp({ backend, routes }: Unit, ledger: Ledger): void {
  if (backend.mode !== "http") return;
  const why = `backend ${backend.name} is in mode http: HAProxy reads the client's TLS as a request and closes every connection`;
  for (const { line } of routes.filter(({ entry }) => entry.proxy.mode === "tcp"))
    ledger.mistake(line, "http-backend", why, "edge-lb passes TLS through; in HAProxy, mode tcp");
}

function shortIdle(fronts: readonly Proxy[], backend: Proxy, ledger: Ledger): void {
  const all = [...fronts, backend];
  if (all.some((proxy) => lastLine(proxy.section, ["timeout", "tunnel"]) !== null)) return;
  const lines = [
    ...fronts.map((proxy) => lastLine(proxy.section, ["timeout", "client"])),
    lastLine(backend.section, ["timeout", "server"]),
  ];
  for (const line of lines) {
    const ms = line === null ? null : readHaproxyTime(wordAt(line, 2));
    if (line === null || ms === null || ms === 0 || ms >= IDLE_LEAST_MS) continue;
    const why = `a connection that is silent for ${Math.round(ms / 1000)} s is cut: exec, logs -f, port-forward and watches`;
    ledger.mistake(
      line,
      "short-idle",
      why,
      "edge-lb keeps API tunnels for 24 h and ingress tunnels for 1 h of silence",
    );
  }
}

function inGroup(group: Group, ledger: Ledger): void {
  const api = group.units.filter((unit) => roleFor(unit.kind) === "api");
  const ingress = group.units.filter((unit) => roleFor(unit.kind) === "ingress");
  const [apiDomain] = domainsOf(api);
  for (const unit of ingress) {
    const [domain] = domainsOf([unit]);
    if (apiDomain === undefined || domain === undefined || domain === apiDomain) continue;
    if (apiDomain.endsWith(".") || domain.endsWith(".")) continue;
    const line = unit.uses[0]?.line;
    const why = `the API is api.${apiDomain}, but its routes are below apps.${domain}: one cluster has one domain`;
    if (line !== undefined)
      ledger.mistake(line, "names-disagree", why, `edge-lb serves both, and everything below apps.${apiDomain}`);
  }
  noInternalApi(group, api, ledger);
}

/** Nodes of an OpenShift cluster call `api-int.D`. */
function noInternalApi(group: Group, api: readonly Unit[], ledger: Ledger): void {
  const { domain } = group;
  const use = api.flatMap((unit) => unit.uses).find((one) => one.meaning.names.includes(`api.${domain}`));
  if (use === undefined || domain === null || !servesRoutes(group)) return;
  if (api.some((unit) => unit.uses.some((one) => one.meaning.takes(`api-int.${domain}`)))) return;
  const why = `api-int.${domain} leads nowhere: no cluster can be installed, and no node can join, through this load balancer`;
  ledger.mistake(use.line, "no-api-int", why, "edge-lb serves api-int with api");
}

function servesRoutes(group: Group): boolean {
  return group.units.some((unit) => unit.names.some((name) => /(^|\.)apps\./.test(name)) || unit.kind === "mcs");
}

function noMachineConfig({ entries, groups }: Parts, ledger: Ledger): void {
  const api = entries.find((entry) => entry.kind === "api");
  if (api === undefined || entries.some((entry) => entry.kind === "mcs") || !groups.some(servesRoutes)) return;
  const why = "no listener for port 22623: new nodes cannot fetch their machine config through this load balancer";
  ledger.mistake(api.proxy.section.head, "no-mcs", why, "edge-lb: listen mcs at an address that only the nodes reach");
}

function inProxy({ stats }: Parts, proxy: Proxy, referenced: ReadonlySet<string> | null, ledger: Ledger): void {
  const { section } = proxy;
  const isTable = proxy.servers.length === 0 && linesOf(section, "stick-table").length > 0;
  if (section.kind === "backend" && referenced?.has(proxy.name) === false && !isTable) {
    ledger.mistake(
      section.head,
      "unused-backend",
      `no rule leads to backend ${proxy.name}`,
      "drop it, or add the rule",
    );
  }
  if (section.kind !== "backend" && hasAddressInHead(section)) {
    const why = "an address behind the name is HAProxy 1's; 2.x refuses it";
    ledger.mistake(section.head, "address-in-head", why, "put it on a bind line");
  }
  if (section.kind === "backend" || stats.includes(proxy)) return;
  const seen = new Map<string, SourceLine>();
  for (const line of linesOf(section, "acl")) {
    const before = seen.get(line.text);
    if (before !== undefined)
      ledger.mistake(line, "duplicate-acl", `the same ACL stands in line ${before.line}`, "drop it");
    else if (!isAsked(proxy, wordAt(line, 1)))
      ledger.mistake(line, "unused-acl", `no rule asks for ${wordAt(line, 1)}`, "drop it");
    seen.set(line.text, line);
  }
  for (const test of testsOf(proxy)) wrongLayer(proxy, test, ledger);
  undeclared(proxy, ledger);
}

/** Null: a computed name may lead to any. */
function referencedBackends(proxies: readonly Proxy[]): ReadonlySet<string> | null {
  const named = proxies.flatMap((proxy) => proxy.rules.map((rule) => rule.backendText));
  if (named.some((name) => name.includes("%["))) return null;
  return new Set([...named, ...proxies.flatMap((proxy) => proxy.defaultBackend?.name ?? [])]);
}

function isAsked(proxy: Proxy, name: string): boolean {
  return proxy.section.lines.some((line) => {
    const start = conditionAt(line);
    return start >= 0 && line.words.some((word, index) => index > start && word.text.replace(/^!+/, "") === name);
  });
}

function wrongLayer(proxy: Proxy, test: AclTest, ledger: Ledger): void {
  const { name } = test.sample.fetch;
  if (!isNameSample(test.sample) || proxy.binds.some((bind) => bind.ssl)) return;
  if (proxy.mode === "tcp" && HOST_FETCHES.has(name) && !proxy.waits.forHttp) {
    ledger.mistake(
      test.line,
      "never-matches",
      "in mode tcp HAProxy reads no Host, unless a rule waits for the request: this never matches",
      "use mode http, or tcp-request inspect-delay with tcp-request content accept if HTTP",
    );
  }
  if (proxy.mode === "http" && SNI_FETCHES.has(name)) {
    ledger.mistake(
      test.line,
      "never-matches",
      "a frontend in mode http without TLS has no SNI: this never matches",
      "use hdr(host), or mode tcp",
    );
  }
}

function undeclared(proxy: Proxy, ledger: Ledger): void {
  for (const rule of proxy.rules) {
    for (const { test } of rule.condition?.anyOf.flat() ?? []) {
      if (typeof test !== "string" || proxy.acls.has(test) || PREDEFINED.test(test)) continue;
      ledger.mistake(
        rule.line,
        "unknown-acl",
        `the ACL ${test} is not declared; HAProxy refuses to start`,
        "declare it",
      );
    }
  }
}

function inStats(page: Proxy, ledger: Ledger): void {
  const auth = lastLine(page.section, ["stats", "auth"]);
  const open = page.binds.find((bind) => !bind.ip.startsWith("127.") && bind.ip !== "::1");
  const todo = "edge-lb's status page listens on 127.0.0.1, and takes its password from EDGE_LB_ADMIN_AUTH";
  if (auth !== null && open !== undefined) {
    ledger.mistake(
      auth,
      "stats-password",
      "the password stands in the file and crosses the network in the clear",
      todo,
    );
  } else if (auth !== null) {
    ledger.mistake(auth, "stats-password", "the password stands in the file", todo);
  } else if (open !== undefined) {
    ledger.mistake(open.line, "stats-public", "anyone who reaches this port sees the statistics", todo);
  }
}
