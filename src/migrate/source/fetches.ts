/** What a fetch gives for one connection or request, as far as it is known here. */
import { readCidr } from "../../config/values/addresses.ts";
import { inAny } from "../../core/access.ts";
import type { Verdict } from "./matching.ts";
import type { Proxy } from "./proxies.ts";
import type { Call, Pattern, Sample, SampleValue } from "./samples.ts";

/** Who asks, and what: a TLS hello or an HTTP request of an ordinary client. */
export interface Visit {
  /** The port the client came to. */
  readonly port: number;
  /** SNI or Host as sent; null: none. */
  readonly name: string | null;
  /** What the client speaks first. */
  readonly speaks: "tls" | "http";
  /** The client's address; null: not known. */
  readonly client: string | null;
  /** A rule of the frontend waits for the hello: without one, rules run before anything of the client has arrived. */
  readonly hasHello: boolean;
}

export const SNI_FETCHES: ReadonlySet<string> = new Set(["req_ssl_sni", "req.ssl_sni", "ssl_fc_sni"]);
export const HOST_FETCHES: ReadonlySet<string> = new Set(["hdr", "req.hdr", "req.fhdr", "hdr_host"]);

/** Does this sample give the name the client asks for? */
export function isNameSample(sample: Sample): boolean {
  const { name, args } = sample.fetch;
  return SNI_FETCHES.has(name) || (HOST_FETCHES.has(name) && args[0]?.toLowerCase() === "host");
}

const NOTHING: SampleValue = { kind: "nothing" };
const UNKNOWN: SampleValue = { kind: "unknown" };

export function fetchValue(sample: Sample, proxy: Proxy, visit: Visit): SampleValue {
  const fetch = sample.fetch.name;
  if (isNameSample(sample)) {
    return seesName(fetch, proxy, visit) && visit.name !== null ? { kind: "text", text: visit.name } : NOTHING;
  }
  if (ofRequest(fetch)) return requestValue(fetch, proxy, visit);
  return helloValue(fetch, proxy, visit) ?? connectionValue(sample.fetch, proxy, visit);
}

/** A TLS hello has no Host and a request no hello: such a sample is empty, and its ACL never matches. */
function seesName(fetch: string, proxy: Proxy, { speaks, hasHello }: Visit): boolean {
  if (SNI_FETCHES.has(fetch)) return speaks === "tls" && ((proxy.mode === "tcp" && hasHello) || endsTls(proxy));
  return readsRequests(proxy, speaks);
}

/** In mode tcp HAProxy parses a request only where a rule waits for one. */
function readsRequests(proxy: Proxy, speaks: Visit["speaks"]): boolean {
  return proxy.mode === "http" || (speaks === "http" && proxy.waits.forHttp);
}

/** What only a request has: the evaluator asks for `/` with GET, and a route must not depend on that. */
export function ofRequest(fetch: string): boolean {
  return ["path", "url", "method", "base", "query"].includes(fetch);
}

function requestValue(fetch: string, proxy: Proxy, { speaks }: Visit): SampleValue {
  if (!readsRequests(proxy, speaks)) return NOTHING;
  if (fetch === "query") return NOTHING;
  return { kind: "text", text: fetch === "method" ? "GET" : "/" };
}

/** Numbers of a TLS hello: its handshake type is 1, its version 3. */
function helloValue(fetch: string, proxy: Proxy, { speaks, hasHello }: Visit): SampleValue | null {
  const isTls = speaks === "tls" && proxy.mode === "tcp" && hasHello;
  if (fetch === "req_ssl_hello_type" || fetch === "req.ssl_hello_type")
    return isTls ? { kind: "number", value: 1 } : NOTHING;
  if (fetch === "req_ssl_ver" || fetch === "req.ssl_ver") return isTls ? { kind: "number", value: 3 } : NOTHING;
  return null;
}

function connectionValue({ name }: Call, proxy: Proxy, { port, speaks, client }: Visit): SampleValue {
  switch (name) {
    case "req_len":
    case "req.len":
      return { kind: "number", value: 517 };
    case "dst_port":
      return { kind: "number", value: port };
    case "ssl_fc":
      return { kind: "boolean", value: endsTls(proxy) };
    case "req_proto_http":
    case "req.proto_http":
      return { kind: "boolean", value: readsRequests(proxy, speaks) };
    case "always_true":
    case "wait_end":
      return { kind: "boolean", value: true };
    case "always_false":
      return { kind: "boolean", value: false };
    case "src":
      return client === null ? UNKNOWN : { kind: "text", text: client };
    default:
      return UNKNOWN;
  }
}

const KNOWN = /^(req[._](ssl_(hello_type|ver)|len|proto_http)|dst_port|ssl_fc|always_(true|false)|wait_end|src)$/;

/** Whether the evaluator knows what a fetch gives, beside names and requests. */
export function fetchIsKnown(name: string): boolean {
  return KNOWN.test(name);
}

export function endsTls(proxy: Proxy): boolean {
  return proxy.binds.some((bind) => bind.ssl);
}

/** Is the client in one of the networks? Null: one of them cannot be read. */
export function inNetworks(client: string, patterns: readonly Pattern[]): Verdict {
  const networks = patterns.map(({ text }) => readCidr(text));
  if (networks.some((reading) => reading.ok && inAny([reading.value], client))) return true;
  return networks.every((reading) => reading.ok) ? false : null;
}
