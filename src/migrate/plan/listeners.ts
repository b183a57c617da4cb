/** Which of edge-lb's listeners a frontend or listen is. */
import type { BuiltInName } from "../../seam/services.ts";
import { findBackend, type Source } from "../source/configuration.ts";
import type { Bind } from "../source/endpoints.ts";
import { wordAt } from "../source/lexer.ts";
import type { Proxy } from "../source/proxies.ts";

/** A frontend's addresses that have one role. */
export interface Entry {
  readonly proxy: Proxy;
  readonly kind: BuiltInName;
  /** At least one. */
  readonly binds: readonly Bind[];
}

export type Role = BuiltInName | "stats" | "tls-ends-here" | "other";

/** What one port of a proxy is for. */
export function roleOf(source: Source, proxy: Proxy, bind: Bind): Role {
  if (isStatsPage(proxy)) return "stats";
  if (bind.ssl) return "tls-ends-here";
  if (proxy.mode === "http") return leadsSomewhere(source, proxy) ? "http" : "other";
  return byPort(bind.port) ?? bySamples(proxy) ?? byServers(source, proxy) ?? byWords(source, proxy) ?? "other";
}

function isStatsPage(proxy: Proxy): boolean {
  const asks = proxy.section.lines.some((line) => wordAt(line, 0) === "stats" && wordAt(line, 1) !== "socket");
  return asks && proxy.rules.length === 0 && proxy.defaultBackend === null && proxy.servers.length === 0;
}

function leadsSomewhere(source: Source, proxy: Proxy): boolean {
  return (
    backendsOf(source, proxy).length > 0 ||
    proxy.rules.length > 0 ||
    proxy.stops.some((stop) => stop.effect === "redirect-https")
  );
}

function byPort(port: number): BuiltInName | null {
  if (port === 6443) return "api";
  if (port === 443) return "https";
  if (port === 80) return "http";
  return port === 22_623 || port === 22_624 ? "mcs" : null;
}

/** Names in ACLs: `api.` alone is the API, anything else that reads SNI is ingress. */
function bySamples(proxy: Proxy): BuiltInName | null {
  const lines = proxy.section.lines.filter((line) => /\b(req[._]ssl_sni|ssl_fc_sni)\b/.test(line.text));
  if (lines.length === 0) return null;
  const tests = [...proxy.acls.values()].flat().flatMap((test) => test.patterns.map((pattern) => pattern.text));
  const texts = tests.length > 0 ? tests : lines.map((line) => line.text);
  return texts.every((text) => /(^|[^a-z])api(-int)?\b/i.test(text)) ? "api" : "https";
}

/** Backends that rules and the default name outright. */
function backendsOf(source: Source, proxy: Proxy): Proxy[] {
  const names = [
    ...proxy.rules.map((rule) => rule.backendText),
    ...(proxy.defaultBackend === null ? [] : [proxy.defaultBackend.name]),
  ];
  const found = names.flatMap((name) => findBackend(source, name) ?? []);
  return proxy.servers.length > 0 ? [...found, proxy] : found;
}

function byServers(source: Source, proxy: Proxy): BuiltInName | null {
  const ports = new Set(backendsOf(source, proxy).flatMap((backend) => backend.servers.map((server) => server.port)));
  const [only = null] = ports;
  return ports.size === 1 && only !== null ? byPort(only) : null;
}

function byWords(source: Source, proxy: Proxy): BuiltInName | null {
  const words = [proxy.name, ...backendsOf(source, proxy).map((backend) => backend.name)].join(" ").toLowerCase();
  if (/machine-?config|\bmcs\b/.test(words)) return "mcs";
  if (/api|k8s|kube|master|control/.test(words)) return "api";
  return /https|ingress|router|apps|tls|ssl/.test(words) ? "https" : null;
}
