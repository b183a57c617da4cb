/** Which of edge-lb's listeners a frontend or listen is: by its port, by the names it reads, by what it leads to. */
import type { ServiceName } from "../../seam/services.ts";
import { findBackend, type Source } from "../source/configuration.ts";
import type { Bind } from "../source/endpoints.ts";
import { isInner } from "../source/inner-frontends.ts";
import { wordAt } from "../source/lexer.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";
import { nameSample } from "../source/variables.ts";
import { backendNames, testsOf } from "./candidates.ts";
import type { Entry } from "./entry.ts";
import { builtInAt, furtherAt } from "./services.ts";

/** `sample`: the example that the distribution's haproxy package ships. */
export type OtherRole = "tls-ends-here" | "sample" | "other";
export type Role = ServiceName | "stats" | OtherRole;

export interface Listeners {
  readonly entries: readonly Entry[];
  /** Frontends that are no listener of clusters, with the reason. */
  readonly others: readonly { readonly proxy: Proxy; readonly role: OtherRole }[];
  readonly stats: readonly Proxy[];
}

export function sortListeners(source: Source): Listeners {
  const entries = new Map<string, Entry & { binds: Bind[] }>();
  const others: Listeners["others"][number][] = [];
  const stats = new Set<Proxy>();
  for (const [index, proxy] of source.proxies.entries()) {
    for (const bind of proxy.binds.filter((one) => !isInner(source, one))) {
      const role = roleOf(source, proxy, bind);
      // HAProxy 1.x lets two frontends have one name
      const key = `${index} ${role} ${proxy.acls.size > 0 ? bind.port : ""}`;
      if (role === "stats") stats.add(proxy);
      else if (role === "other" || role === "sample" || role === "tls-ends-here") others.push({ proxy, role });
      else if (entries.has(key)) entries.get(key)?.binds.push(bind);
      else entries.set(key, { proxy, kind: role, binds: [bind] });
    }
  }
  const all = [...entries.values()];
  const kept = all.filter((entry) => !isBeside(source, entry, all));
  const beside = all.filter((entry) => !kept.includes(entry)).map(({ proxy }) => ({ proxy, role: "other" as const }));
  return { entries: kept, others: [...others, ...beside], stats: [...stats] };
}

const USUAL: Readonly<Partial<Record<ServiceName, number>>> = { api: 6443, https: 443, http: 80 };

/** A server on a port of its own beside the clusters' listener: all listeners of edge-lb for one service share their routes. */
function isBeside(source: Source, entry: Entry, all: readonly Entry[]): boolean {
  const usual = USUAL[entry.kind];
  if (source.isOwnExport || usual === undefined || isUsual(source, entry, usual)) return false;
  const main = all.filter((one) => one.kind === entry.kind && isUsual(source, one, usual));
  const known = new Set(main.flatMap(({ proxy }) => backendsOf(source, proxy)));
  return main.length > 0 && backendsOf(source, entry.proxy).some((backend) => !known.has(backend));
}

/** On the service's own port, or leading to that port only. */
function isUsual(source: Source, { proxy, binds }: Entry, port: number): boolean {
  return (
    binds.some((bind) => bind.port === port) ||
    binds.every((bind) => serverPorts(source, proxy, bind).join() === String(port))
  );
}

/** What one port of a proxy is for. */
export function roleOf(source: Source, proxy: Proxy, bind: Bind): Role {
  if (isStatsPage(proxy)) return "stats";
  // its frontends are called after the services
  if (source.isOwnExport && proxy.section.kind === "frontend") return proxy.name;
  if (bind.ssl) return "tls-ends-here";
  if (isSample(proxy, bind)) return "sample";
  if (OTHER_PORTS.has(bind.port) || serverPorts(source, proxy, bind).some((port) => OTHER_PORTS.has(port)))
    return "other";
  if (proxy.mode === "http") return httpRole(source, proxy, bind);
  const further = furtherAt(bind.port);
  // one port for one cluster is told from another program's by nothing
  if (further !== null) return readsNames(source, proxy) ? further : "other";
  const builtIn = builtInAt(bind.port);
  if (builtIn !== null) return builtIn;
  if (serverPorts(source, proxy, bind).some((port) => furtherAt(port) !== null)) return "other";
  return byServers(source, proxy, bind) ?? bySamples(source, proxy) ?? byWords(source, proxy, bind) ?? "other";
}

function isStatsPage(proxy: Proxy): boolean {
  const asks = proxy.section.lines.some((line) => wordAt(line, 0) === "stats" && wordAt(line, 1) !== "socket");
  return asks && proxy.rules.length === 0 && proxy.defaultBackend === null && proxy.servers.length === 0;
}

/** `frontend main *:5000` with the backends `static` and `app`, of RHEL, CentOS and Fedora. */
function isSample({ name, defaultBackend }: Proxy, bind: Bind): boolean {
  return bind.port === 5000 && name.startsWith("main") && defaultBackend?.name === "app";
}

/**
 * What else clusters serve through load balancers: the machine-config server without TLS, bare-metal provisioning, etcd. None of it
 * is the API, whatever the frontend is called.
 */
const OTHER_PORTS: ReadonlySet<number> = new Set([22_624, 6385, 5050, 2379, 2380]);

/** Port 80, or another one where a rule reads the Host: a page on a port of its own is no listener of clusters. */
function httpRole(source: Source, proxy: Proxy, bind: Bind): Role {
  const leads = backendsOf(source, proxy).length > 0 || proxy.rules.length > 0;
  const redirects = proxy.steps.some((step) => step.effect === "redirect-https");
  if (!leads && !redirects) return "other";
  if (bind.port === 80 || redirects || readsNames(source, proxy)) return "http";
  return byServers(source, proxy, bind) === "http" || byWords(source, proxy, bind) === "http" ? "http" : "other";
}

function readsNames(source: Source, proxy: Proxy): boolean {
  return (
    testsOf(proxy).some((test) => nameSample(source, proxy, test.sample) !== null) ||
    proxy.rules.some((rule) => rule.backendText.includes("%["))
  );
}

/** Names in ACLs: `api.` alone is the API, anything else that reads SNI is ingress. */
function bySamples(source: Source, proxy: Proxy): ServiceName | null {
  const lines = proxy.section.lines.filter((line) => /\b(req[._]ssl_sni|ssl_fc_sni)\b/.test(line.text));
  if (lines.length === 0 || !readsNames(source, proxy)) return null;
  const tests = testsOf(proxy)
    .flatMap((test) => test.patterns.map((pattern) => pattern.text))
    .filter((text) => /[a-z]/i.test(text));
  const texts = tests.length > 0 ? tests : lines.map((line) => line.text);
  return texts.every((text) => /(^|[^a-z])api(-int)?\b/i.test(text)) ? "api" : "https";
}

/** Backends that rules and the default lead to. */
export function backendsOf(source: Source, proxy: Proxy): Proxy[] {
  const found = backendNames(source, proxy).flatMap((name) => findBackend(source, name) ?? []);
  return proxy.servers.length > 0 ? [...found, proxy] : found;
}

function serverPorts(source: Source, proxy: Proxy, bind: Bind): number[] {
  const servers = backendsOf(source, proxy).flatMap(usableServers);
  return [...new Set(servers.map((server) => server.port ?? bind.port))];
}

function byServers(source: Source, proxy: Proxy, bind: Bind): ServiceName | null {
  const [only, more] = serverPorts(source, proxy, bind);
  return only !== undefined && more === undefined ? builtInAt(only) : null;
}

/** Ports that API servers and load balancers before them are often given. */
const API_PORTS: ReadonlySet<number> = new Set([6444, 7443, 8443, 9443, 16_443]);
/** From here on ports are handed out by the system, and say nothing. */
const DYNAMIC_PORTS = 32_768;

/** Only where the port does not say something else. */
function byWords(source: Source, proxy: Proxy, { port }: Bind): ServiceName | null {
  const words = [proxy.name, ...backendsOf(source, proxy).map((backend) => backend.name)].join(" ").toLowerCase();
  const isApi = /api|k8s|kube|master|control/.test(words);
  if (API_PORTS.has(port)) return isApi ? "api" : null;
  if (port < DYNAMIC_PORTS) return null;
  if (/machine-?config|\bmcs\b/.test(words)) return "mcs";
  if (isApi) return "api";
  if (proxy.mode === "http") return "http";
  if (/https|tls|ssl|443/.test(words)) return "https";
  return /http|\b80\b/.test(words) ? "http" : /ingress|router|apps/.test(words) ? "https" : null;
}
