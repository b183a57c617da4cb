/** Runs a frontend's rules for one client, in HAProxy's order, and says where the connection or request would go. */
import { findBackend, type Source } from "./configuration.ts";
import type { Condition, Term } from "./conditions.ts";
import { runConverters } from "./converters.ts";
import { endsTls, fetchValue, inNetworks, type Visit } from "./fetches.ts";
import { innerFrontend } from "./inner-frontends.ts";
import { matchNumber, matchText, type Verdict } from "./matching.ts";
import { readSample, type AclTest, type Sample, type SampleValue } from "./samples.ts";
import { isOut, type Proxy, type SwitchRule } from "./proxies.ts";
import type { SourceLine } from "./lexer.ts";
import { LAYERS, type Layer } from "./steps.ts";
import { captures } from "./variables.ts";

/** What is asked, and of which frontend. */
export interface Ask {
  readonly proxy: Proxy;
  /** The port the client came to. */
  readonly port: number;
  /** SNI or Host as sent; null: none. */
  readonly name: string | null;
  /** Left out: by the frontend's mode. */
  readonly speaks?: Visit["speaks"];
  /** Left out: a rule that depends on it is not decided. */
  readonly client?: string;
  /** Tests that are taken as true, whatever HAProxy would say. */
  readonly meant?: (test: AclTest) => boolean;
  /** As the file was meant, where HAProxy sees no hello because nothing waits for it, or reads TLS as a request. */
  readonly asMeant?: boolean;
  /** A rule that depends on what is not known here: `stop` ends there, `skip` passes it over. */
  readonly doubt?: "stop" | "skip";
}

export interface Led {
  readonly kind: "backend";
  /** A backend, a listen, or a pool of `use-server`. */
  readonly backend: Proxy;
  readonly line: SourceLine;
  readonly byDefault: boolean;
  /** Rules on the way there, through frontends that this file itself connects to. */
  readonly via: readonly SourceLine[];
}

export type Outcome =
  | Led
  | {
      readonly kind: "redirect-https";
      readonly line: SourceLine;
      /** Where it would have led: the redirect is a rule of that backend. Null: a rule of the frontend. */
      readonly before: Led | null;
    }
  /** HAProxy responds itself. */
  | { readonly kind: "answer"; readonly line: SourceLine }
  /** A frontend with a certificate takes the connection; the rule that leads there. */
  | { readonly kind: "tls-ends"; readonly line: SourceLine; readonly frontend: Proxy }
  /** Refused by a rule, or no rule took it. */
  | { readonly kind: "none"; readonly line: SourceLine | null }
  /** Depends on what is not known here. */
  | { readonly kind: "unknown"; readonly line: SourceLine };

export function evaluate(source: Source, ask: Ask): Outcome {
  return new Visitor(source, ask).enter(ask.proxy);
}

/** Frontends one behind the other: more is a loop. */
const INNER_MOST = 8;

/** One client on its way through the file, with the variables that rules have set for it. */
class Visitor {
  private readonly source: Source;
  private readonly ask: Ask;
  private visit: Visit;
  private readonly variables = new Map<string, SampleValue>();
  private readonly via: SourceLine[] = [];

  constructor(source: Source, ask: Ask) {
    this.source = source;
    this.ask = ask;
    const speaks = ask.speaks ?? (ask.proxy.mode === "http" ? "http" : "tls");
    const hasHello = ask.asMeant === true || ask.proxy.waits.forHello;
    this.visit = { port: ask.port, name: ask.name, speaks, client: ask.client ?? null, hasHello };
  }

  enter(proxy: Proxy): Outcome {
    const outcome = this.stopped(proxy, LAYERS) ?? this.switched(proxy) ?? this.fallback(proxy);
    return outcome.kind === "backend" ? this.behind(outcome, proxy) : outcome;
  }

  /** What accepts ends its own layer's list only. */
  private stopped(proxy: Proxy, layers: readonly Layer[]): Outcome | null {
    for (const layer of layers) {
      if (layer === "http" && proxy.mode !== "http") continue;
      for (const step of proxy.steps.filter((one) => one.layer === layer)) {
        // A rule on what is not known is reported as such; an ordinary client passes it here.
        if (this.holds(step.condition, proxy) !== true) continue;
        if (step.effect === "accept") break;
        if (step.effect === "set") this.variables.set(step.variable, this.value(step.sample, proxy));
        if (step.effect === "reject") return { kind: "none", line: step.line };
        if (step.effect === "redirect-https") return { kind: "redirect-https", line: step.line, before: null };
        if (step.effect === "answer") return { kind: "answer", line: step.line };
      }
    }
    return null;
  }

  private switched(proxy: Proxy): Outcome | null {
    for (const rule of proxy.rules) {
      const holds = this.holds(rule.condition, proxy);
      if (holds === false) continue;
      const name = holds === null ? null : this.backendName(rule, proxy);
      if (name === null && this.ask.doubt === "skip") continue;
      if (name === null) return { kind: "unknown", line: rule.line };
      const backend = findBackend(this.source, name);
      // A computed name that is no backend ends the rules and leaves the default.
      if (backend === null) return null;
      return { kind: "backend", backend, line: rule.line, byDefault: false, via: [] };
    }
    return null;
  }

  private fallback(proxy: Proxy): Outcome {
    if (proxy.defaultBackend !== null) {
      const { name, line } = proxy.defaultBackend;
      const backend = findBackend(this.source, name);
      return backend === null ? { kind: "none", line } : { kind: "backend", backend, line, byDefault: true, via: [] };
    }
    if (proxy.section.kind !== "listen" || proxy.servers.length === 0) return { kind: "none", line: null };
    return { kind: "backend", backend: proxy, line: proxy.section.head, byDefault: true, via: [] };
  }

  /** A backend has rules of its own, may choose a server by name, and may lead into a frontend of the same file. */
  private behind(outcome: Led, from: Proxy): Outcome {
    const { backend, line } = outcome;
    const stopped = backend === from ? null : this.stopped(backend, ["content", "http"]);
    if (this.readsTlsAsRequest(from, backend)) return { kind: "none", line };
    if (stopped?.kind === "redirect-https") return { ...stopped, before: { ...outcome, via: [...this.via] } };
    if (stopped !== null) return stopped;
    const chosen = this.chosenServer(outcome);
    if (chosen.kind !== "backend") return chosen;
    const inner = innerFrontend(this.source, chosen.backend, this.visit.port);
    if (inner === null) return { ...chosen, via: [...this.via] };
    if (inner.bind.ssl) return { kind: "tls-ends", line, frontend: inner.proxy };
    if (this.via.length >= INNER_MOST) return { kind: "unknown", line };
    this.via.push(line);
    // what this file itself connects to gets the hello at once
    this.visit = { ...this.visit, port: inner.bind.port, hasHello: true };
    return this.enter(inner.proxy);
  }

  /** From mode tcp to a backend in mode http: HAProxy reads a request, finds a hello and closes. */
  private readsTlsAsRequest(from: Proxy, { mode }: Proxy): boolean {
    const isTls = this.visit.speaks === "tls" && from.mode === "tcp" && !endsTls(from);
    return isTls && mode === "http" && this.ask.asMeant !== true;
  }

  private chosenServer(outcome: Led): Outcome {
    const { backend } = outcome;
    for (const rule of backend.serverRules) {
      const holds = this.holds(rule.condition, backend);
      if (holds === null && this.ask.doubt !== "skip") return { kind: "unknown", line: rule.line };
      const pool = this.source.serverPools.get(`${backend.name}/${rule.serverName}`);
      // HAProxy goes on to its balancing where the server is not usable.
      if (holds !== true || pool === undefined || pool.servers.every(isOut)) continue;
      return { ...outcome, backend: pool, line: rule.line, byDefault: rule.condition === null && outcome.byDefault };
    }
    return outcome;
  }

  /** The backend a rule names; null where it cannot be computed. */
  private backendName(rule: SwitchRule, proxy: Proxy): string | null {
    let failed = false;
    const name = rule.backendText.replace(/%\[((?:[^[\]]|\[[^\]]*\])*)\]/g, (_, sample: string) => {
      const value = this.value(readSample(sample), proxy);
      if (value.kind === "unknown") failed = true;
      return value.kind === "text" ? value.text : "";
    });
    return failed ? null : name;
  }

  /** Null: not known. */
  private holds(condition: Condition | null, proxy: Proxy): Verdict {
    if (condition === null) return true;
    const any = anyOf(condition.anyOf.map((terms) => allOf(terms.map((term) => this.termHolds(term, proxy)))));
    return condition.unless ? not(any) : any;
  }

  private termHolds(term: Term, proxy: Proxy): Verdict {
    const holds = typeof term.test === "string" ? this.namedHolds(term.test, proxy) : this.testHolds(term.test, proxy);
    return term.negated ? not(holds) : holds;
  }

  private namedHolds(name: string, proxy: Proxy): Verdict {
    const tests = proxy.acls.get(name);
    if (tests !== undefined) return anyOf(tests.map((test) => this.testHolds(test, proxy)));
    if (name === "HTTP") return this.boolean("req.proto_http", proxy);
    return PREDEFINED[name] ?? null;
  }

  private boolean(fetch: string, proxy: Proxy): Verdict {
    const value = this.value(readSample(fetch), proxy);
    return value.kind === "boolean" ? value.value : null;
  }

  private testHolds(test: AclTest, proxy: Proxy): Verdict {
    if (this.ask.meant?.(test) === true) return true;
    if (test.problem !== null) return null;
    const value = this.value(test.sample, proxy);
    if (value.kind === "unknown") return null;
    if (test.method === "found") return value.kind !== "nothing";
    if (value.kind === "nothing") return false;
    if (value.kind === "boolean") return value.value;
    if (value.kind === "number") return numberHolds(test, value.value);
    if (test.method === "ip") return inNetworks(value.text, test.patterns);
    return anyOf(test.patterns.map(({ text }) => matchText(test.method, text, value.text, test.ignoreCase)));
  }

  private value(sample: Sample | null, proxy: Proxy): SampleValue {
    if (sample === null) return { kind: "unknown" };
    const value = this.fetched(sample, proxy);
    return value.kind === "text" ? runConverters(sample.converters, value.text, this.source.readSide) : value;
  }

  private fetched(sample: Sample, proxy: Proxy): SampleValue {
    const [argument = ""] = sample.fetch.args;
    if (sample.fetch.name === "var") return this.variables.get(argument) ?? { kind: "nothing" };
    if (sample.fetch.name !== "capture.req.hdr") return fetchValue(sample, proxy, this.visit);
    const kept = captures(proxy)[Number(argument)];
    return kept === undefined ? { kind: "nothing" } : this.value(kept.sample, proxy);
  }
}

/** ACLs every proxy has; the rest of them depends on more than a name. */
const PREDEFINED: Readonly<Record<string, boolean>> = {
  TRUE: true,
  FALSE: false,
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
  LOCALHOST: false,
};

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
