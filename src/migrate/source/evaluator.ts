/** Runs a frontend's rules for one name, in HAProxy's order, and says where the connection or request would go. */
import { findBackend, type Source } from "./configuration.ts";
import type { Condition, Term } from "./conditions.ts";
import { runConverters } from "./converters.ts";
import { matchNumber, matchText, type Verdict } from "./matching.ts";
import { readSample, type AclTest, type Sample, type SampleValue } from "./samples.ts";
import type { Proxy, SwitchRule } from "./proxies.ts";
import type { SourceLine } from "./lexer.ts";

/** What is asked: a TLS hello or an HTTP request of an ordinary client. */
export interface Ask {
  readonly proxy: Proxy;
  /** The port the client came to. */
  readonly port: number;
  /** SNI or Host as sent; null: none. */
  readonly name: string | null;
}

export type Outcome =
  | { readonly kind: "backend"; readonly backend: Proxy; readonly line: SourceLine; readonly byDefault: boolean }
  | { readonly kind: "redirect-https"; readonly line: SourceLine }
  /** Refused by a rule, or no rule took it. */
  | { readonly kind: "none"; readonly line: SourceLine | null }
  /** Depends on what is not known here. */
  | { readonly kind: "unknown"; readonly line: SourceLine };

export function evaluate(source: Source, ask: Ask): Outcome {
  return stopped(source, ask) ?? switched(source, ask) ?? fallback(source, ask);
}

/** `tcp-request`, `http-request` and `redirect` rules; what accepts ends its own list only, so it changes nothing here. */
function stopped(source: Source, ask: Ask): Outcome | null {
  for (const rule of ask.proxy.stops) {
    if (rule.effect === "accept") continue;
    // A rule on the client's address and the like is reported as such; an ordinary client passes it here.
    if (conditionHolds(rule.condition, ask, source) !== true) continue;
    if (rule.effect === "other") return { kind: "unknown", line: rule.line };
    return { kind: rule.effect === "reject" ? "none" : "redirect-https", line: rule.line };
  }
  return null;
}

function switched(source: Source, ask: Ask): Outcome | null {
  for (const rule of ask.proxy.rules) {
    const holds = conditionHolds(rule.condition, ask, source);
    if (holds === null) return { kind: "unknown", line: rule.line };
    if (!holds) continue;
    const name = backendName(rule, ask, source);
    if (name === null) return { kind: "unknown", line: rule.line };
    const backend = findBackend(source, name);
    // A computed name that is no backend ends the rules and leaves the default.
    return backend === null ? null : { kind: "backend", backend, line: rule.line, byDefault: false };
  }
  return null;
}

function fallback(source: Source, { proxy }: Ask): Outcome {
  if (proxy.defaultBackend !== null) {
    const { name, line } = proxy.defaultBackend;
    const backend = findBackend(source, name);
    return backend === null ? { kind: "none", line } : { kind: "backend", backend, line, byDefault: true };
  }
  if (proxy.section.kind !== "listen" || proxy.servers.length === 0) return { kind: "none", line: null };
  return { kind: "backend", backend: proxy, line: proxy.section.head, byDefault: true };
}

/** The backend a rule names; null where it cannot be computed. */
export function backendName(rule: SwitchRule, ask: Ask, source: Source): string | null {
  let failed = false;
  const name = rule.backendText.replace(/%\[((?:[^[\]]|\[[^\]]*\])*)\]/g, (_, sample: string) => {
    const value = sampleValue(readSample(sample), ask, source);
    if (value.kind === "unknown") failed = true;
    return value.kind === "text" ? value.text : "";
  });
  return failed ? null : name;
}

/** Null: not known. */
export function conditionHolds(condition: Condition | null, ask: Ask, source: Source): Verdict {
  if (condition === null) return true;
  const any = anyOf(condition.anyOf.map((terms) => allOf(terms.map((term) => termHolds(term, ask, source)))));
  return condition.unless ? not(any) : any;
}

export function termHolds(term: Term, ask: Ask, source: Source): Verdict {
  const holds = typeof term.test === "string" ? namedHolds(term.test, ask, source) : testHolds(term.test, ask, source);
  return term.negated ? not(holds) : holds;
}

/** ACLs every proxy has; the rest of them depends on more than a name. */
const PREDEFINED: Readonly<Record<string, boolean>> = {
  TRUE: true,
  FALSE: false,
  HTTP: true,
  "HTTP_1.1": true,
  "HTTP_1.0": false,
  HTTP_CONTENT: false,
  METH_GET: true,
  METH_HEAD: false,
  METH_POST: false,
  METH_OPTIONS: false,
  METH_CONNECT: false,
  REQ_CONTENT: true,
  WAIT_END: true,
  RDP_COOKIE: false,
};

function namedHolds(name: string, ask: Ask, source: Source): Verdict {
  const tests = ask.proxy.acls.get(name);
  if (tests === undefined) return PREDEFINED[name] ?? null;
  return anyOf(tests.map((test) => testHolds(test, ask, source)));
}

function testHolds(test: AclTest, ask: Ask, source: Source): Verdict {
  if (test.problem !== null) return null;
  const value = sampleValue(test.sample, ask, source);
  if (value.kind === "unknown") return null;
  if (value.kind === "nothing") return false;
  if (value.kind === "boolean") return value.value;
  if (test.method === "found") return true;
  if (value.kind === "number") return numberHolds(test, value.value);
  return anyOf(test.patterns.map((pattern) => matchText(test.method, pattern.text, value.text, test.ignoreCase)));
}

function numberHolds(test: AclTest, value: number): Verdict {
  const [operator = "", operand = ""] = test.patterns.map((pattern) => pattern.text);
  const limit = Number(operand);
  if (operator === "eq") return value === limit;
  if (operator === "ge") return value >= limit;
  if (operator === "gt") return value > limit;
  if (operator === "le") return value <= limit;
  if (operator === "lt") return value < limit;
  return anyOf(test.patterns.map((pattern) => matchNumber(pattern.text, value)));
}

export const SNI_FETCHES: ReadonlySet<string> = new Set(["req_ssl_sni", "req.ssl_sni", "ssl_fc_sni"]);
export const HOST_FETCHES: ReadonlySet<string> = new Set(["hdr", "req.hdr", "req.fhdr", "hdr_host"]);

/** Does this sample give the name the client asks for? */
export function isNameSample(sample: Sample): boolean {
  const { name, args } = sample.fetch;
  return SNI_FETCHES.has(name) || (HOST_FETCHES.has(name) && args[0]?.toLowerCase() === "host");
}

export function sampleValue(sample: Sample, ask: Ask, source: Source): SampleValue {
  const value = fetchValue(sample, ask);
  return value.kind === "text" ? runConverters(sample.converters, value.text, source.readSide) : value;
}

function fetchValue(sample: Sample, { proxy, port, name }: Ask): SampleValue {
  const fetch = sample.fetch.name;
  if (isNameSample(sample)) {
    // A TLS hello has no Host and a request no hello: such a sample is empty, and its ACL never matches.
    const sees = SNI_FETCHES.has(fetch) ? proxy.mode === "tcp" || endsTls(proxy) : proxy.mode === "http";
    return sees && name !== null ? { kind: "text", text: name } : { kind: "nothing" };
  }
  if (fetch === "req_ssl_hello_type" || fetch === "req.ssl_hello_type") return hello(proxy, 1);
  if (fetch === "req_ssl_ver" || fetch === "req.ssl_ver") return hello(proxy, 3);
  if (fetch === "req_len" || fetch === "req.len") return { kind: "number", value: 517 };
  if (fetch === "path" || fetch === "url")
    return proxy.mode === "http" ? { kind: "text", text: "/" } : { kind: "nothing" };
  if (fetch === "method") return proxy.mode === "http" ? { kind: "text", text: "GET" } : { kind: "nothing" };
  if (fetch === "dst_port") return { kind: "number", value: port };
  if (fetch === "ssl_fc") return { kind: "boolean", value: endsTls(proxy) };
  if (fetch === "req_proto_http" || fetch === "req.proto_http")
    return { kind: "boolean", value: proxy.mode === "http" };
  if (["always_true", "wait_end"].includes(fetch)) return { kind: "boolean", value: true };
  return fetch === "always_false" ? { kind: "boolean", value: false } : { kind: "unknown" };
}

function endsTls(proxy: Proxy): boolean {
  return proxy.binds.some((bind) => bind.ssl);
}

function hello(proxy: Proxy, value: number): SampleValue {
  return proxy.mode === "tcp" ? { kind: "number", value } : { kind: "nothing" };
}

function not(verdict: Verdict): Verdict {
  return verdict === null ? null : !verdict;
}

function allOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(null) ? null : true;
}

function anyOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(true)) return true;
  return verdicts.includes(null) ? null : false;
}
