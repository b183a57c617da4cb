/** Notes on rules that lead nowhere, or that depend on what edge-lb does not look at. */
import { computedKeys, namesOfRule, namesOfTest, proxiesBehind, testsOfTerm } from "../routes/candidates.ts";
import type { Parts } from "../plan/plan.ts";
import type { EntryRoutes } from "../routes/routes.ts";
import { findBackend, type Source } from "../source/configuration.ts";
import type { Condition } from "../source/conditions.ts";
import type { Outcome } from "../source/evaluator.ts";
import { endsTls, fetchIsKnown, ofRequest } from "../source/fetches.ts";
import { innerFrontend } from "../source/inner-frontends.ts";
import type { Ledger } from "../source/ledger.ts";
import type { SourceLine } from "../source/lexer.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";
import type { AclTest } from "../source/samples.ts";
import { nameSample } from "../source/variables.ts";

export function noteRules(parts: Parts, ledger: Ledger): void {
  for (const survey of parts.surveys) new RuleNotes(parts, survey, ledger).write();
}

/** A `use_backend`, `use-server` or `default_backend` as it is noted. */
interface Rule {
  readonly line: SourceLine;
  readonly condition: Condition | null;
  /** Null: computed. */
  readonly target: string | null;
}

/** The rules of one entry, and of the proxies behind it. */
class RuleNotes {
  private readonly source: Source;
  private readonly survey: EntryRoutes;
  private readonly ledger: Ledger;
  private readonly leading: ReadonlySet<number>;

  constructor({ source }: Parts, survey: EntryRoutes, ledger: Ledger) {
    this.source = source;
    this.survey = survey;
    this.ledger = ledger;
    this.leading = new Set(survey.routes.flatMap(({ line, via }) => [line, ...via].map((one) => one.line)));
  }

  write(): void {
    for (const proxy of proxiesBehind(this.source, this.survey.entry).filter((one) => !endsTls(one))) {
      for (const rule of proxy.rules) {
        const target = rule.backendText.includes("%[") ? null : rule.backendText;
        this.noteRule(proxy, { ...rule, target });
        this.noteComputed(proxy, rule.line);
      }
      for (const { serverName, ...rule } of proxy.serverRules) this.noteRule(proxy, { ...rule, target: serverName });
      this.noteDefault(proxy);
    }
    for (const { candidate, name, outcome, takenBy } of this.survey.refusals) {
      if (outcome.kind === "tls-ends") this.noteTlsEnds(outcome.line, outcome.frontend);
      else if (takenBy !== null && outcome.kind !== "redirect-https")
        this.noteExcluded(candidate.line, name, takenBy, outcome);
    }
    for (const outcome of [this.survey.nameless, this.survey.rest]) {
      if (outcome.kind === "tls-ends") this.noteTlsEnds(outcome.line, outcome.frontend);
    }
  }

  /** The source refuses, or answers itself, a name that edge-lb leads to the cluster with a wider one. */
  private noteExcluded(line: SourceLine, name: string, takenBy: string, { kind }: Outcome): void {
    const wider = takenBy === "*" ? "names that nobody claims" : `everything below ${takenBy.slice(2)}`;
    const [does, todo] =
      kind === "answer"
        ? [
            `HAProxy itself answers ${name}`,
            `answer ${name} at the cluster, with a redirect of its ingress for example`,
          ]
        : [`the source refuses ${name}`, `refuse ${name} at the cluster: without a route there its router answers 503`];
    const why = `${does}; edge-lb gives ${wider} to one cluster, and ${name} with it`;
    this.ledger.note(line, "cannot", why, { code: "exception", todo });
  }

  private noteTlsEnds(line: SourceLine, frontend: Proxy): void {
    const why = `leads to frontend ${frontend.name}, where TLS ends; edge-lb passes TLS through to the clusters and holds no keys`;
    const todo = "let the cluster's ingress hold the certificate, or keep HAProxy for these names on another address";
    this.ledger.note(line, "cannot", why, { code: "tls-ends-here", todo });
  }

  private noteRule(proxy: Proxy, rule: Rule): void {
    if (rule.target !== null && !this.noteTarget(rule.line, rule.target, proxy)) return;
    const problems = this.problemsOf(proxy, rule);
    for (const problem of problems) this.cannot(rule.line, problem);
    if (problems.length > 0 || this.leading.has(rule.line.line) || this.ledger.hasFate(rule.line)) return;
    this.noteUnreached(proxy, rule);
  }

  /** A default that nothing reaches: the rules before it answer every ordinary request. */
  private noteDefault({ defaultBackend, steps }: Proxy): void {
    if (defaultBackend === null) return;
    const { line, name } = defaultBackend;
    if (!this.noteTarget(line, name) || this.leading.has(line.line) || this.ledger.hasFate(line)) return;
    const { rest } = this.survey;
    if (rest.kind === "unknown" && rest.line === line) {
      const loop = `${name} leads back to a frontend of this file, and so on without an end`;
      return this.ledger.note(line, "cannot", loop, { code: "loop", todo: "name the nodes that are meant" });
    }
    const isPassed = steps.some(
      ({ effect, condition }) => effect !== "accept" && effect !== "set" && condition !== null,
    );
    if (!isPassed) return this.ledger.note(line, "not-needed", "no connection ever gets here");
    const why = `only what a rule above lets through gets to ${name}, such as a path; edge-lb routes by the name asked for`;
    this.ledger.note(line, "cannot", why, { code: "condition", todo: `keep ${name} behind a cluster's ingress` });
  }

  /** False: what the rule names is missing, or cannot be used. */
  private noteTarget(line: SourceLine, name: string, at: Proxy | null = null): boolean {
    const backend =
      at === null || !at.serverRules.some((rule) => rule.line === line)
        ? findBackend(this.source, name)
        : (this.source.serverPools.get(`${at.name}/${name}`) ?? null);
    if (backend === null) return this.noteMissing(line, name);
    if (usableServers(backend).length > 0 || innerFrontend(this.source, backend, 0) !== null) return true;
    const effects = new Set(backend.steps.map(({ effect }) => effect));
    if (effects.has("answer")) return this.noteAnswering(line, name);
    if (effects.has("redirect-https")) return this.noteRedirecting(line, name);
    if (effects.has("reject")) return this.noteRefusing(line, backend);
    if (backend.servers.length + backend.unusable.length > 0) {
      const todo = "give it nodes with addresses or host names";
      this.ledger.note(line, "cannot", `backend ${name} has no server that edge-lb can use`, {
        code: "no-servers",
        todo,
      });
    } else if (!this.ledger.hasFate(line)) {
      this.ledger.note(
        line,
        "not-needed",
        `backend ${name} has no servers: edge-lb answers unknown names itself, in words`,
      );
    }
    return false;
  }

  private noteAnswering(line: SourceLine, name: string): false {
    const why = `backend ${name} has no servers, HAProxy answers itself; edge-lb answers names that no cluster has with a page that says so`;
    const todo = "let a cluster answer them, or keep a proxy of your own for them";
    this.ledger.note(line, "cannot", why, { code: "rule", todo });
    return false;
  }

  private noteRedirecting(line: SourceLine, name: string): false {
    this.ledger.note(line, "changed", `backend ${name} only redirects to https: see its rule`, { code: "redirect" });
    return false;
  }

  private noteMissing(line: SourceLine, name: string): false {
    const why = `there is no backend ${name}; HAProxy refuses to start`;
    this.ledger.mistake(line, "missing-backend", why, "add it or drop the rule");
    this.ledger.note(line, "cannot", `leads to the missing backend ${name}`, { code: "missing-backend" });
    return false;
  }

  /** A backend that only says no: so does edge-lb, by itself. */
  private noteRefusing(line: SourceLine, { section }: Proxy): false {
    const why = "refused: edge-lb answers names that no cluster has with a TLS alert or a page that says so";
    for (const one of [line, section.head, ...section.lines])
      if (!this.ledger.hasFate(one)) this.ledger.note(one, "carried", why);
    return false;
  }

  /** What a rule asks for beside the name; one word for each. */
  private problemsOf(proxy: Proxy, { condition, line }: Rule): string[] {
    const kind = this.survey.entry.kind;
    const rule = proxy.rules.find((one) => one.line === line);
    const computed = rule === undefined ? null : namesOfRule(this.source, proxy, rule, kind).problem;
    const terms = condition?.anyOf.flat() ?? [];
    const ofTerms = terms.flatMap((term) => {
      const tests = testsOfTerm(term, proxy);
      if (typeof term.test === "string" && tests.length === 0 && !PREDEFINED.test(term.test))
        return `the ACL ${term.test}, which is not declared`;
      return tests.flatMap((test) => this.problemOfTest(proxy, test) ?? []);
    });
    return [...new Set([...(computed === null ? [] : [computed]), ...ofTerms])];
  }

  private problemOfTest(proxy: Proxy, test: AclTest): string | null {
    const { problem } = namesOfTest(this.source, proxy, test, this.survey.entry.kind);
    if (problem !== null || nameSample(this.source, proxy, test.sample) !== null) return problem;
    if (test.problem !== null) return test.problem;
    const { name, args } = test.sample.fetch;
    if (name === "src") return this.allowed.has(test.line.line) ? null : "the client's address (src)";
    if (ofRequest(name)) return `the request's ${name}`;
    if (name === "var") return `the variable ${args[0] ?? ""}`;
    return fetchIsKnown(name) ? null : `${name}${args.length > 0 ? `(${args.join(",")})` : ""}`;
  }

  /** Lines that became a list of clients. */
  private get allowed(): ReadonlySet<number> {
    return new Set(this.ledger.notes.filter((note) => note.why.includes("allow ")).map(({ line }) => line));
  }

  private cannot(line: SourceLine, problem: string): void {
    const todo = "route by name, or keep a proxy of your own behind edge-lb for this rule";
    const why = `edge-lb routes by the name asked for; this rule depends on ${problem}`;
    this.ledger.note(line, "cannot", why, { code: "condition", todo });
  }

  private noteUnreached(proxy: Proxy, rule: Rule): void {
    const { routes } = this.survey;
    const own = this.survey.candidates.filter(({ line }) => linesOf(rule, proxy).has(line.line));
    const taken = own.flatMap(({ text, meaning }) =>
      routes.flatMap((route) => {
        const use = route.uses.find(({ names }) => names.some((name) => meaning.names.includes(name)));
        return use === undefined || route.line === rule.line ? [] : [{ text, route }];
      }),
    );
    const [first] = taken;
    const everything = routes.find(({ rest }) => rest);
    const why =
      first !== undefined
        ? `${first.text} never leads to ${rule.target ?? "the computed backend"}: line ${first.route.line.line} sends it to ${first.route.backend.name} before`
        : everything !== undefined && own.length === 0
          ? `${rule.target ?? "it"} is never reached: line ${everything.line.line} takes everything`
          : "its tests contradict each other: it never matches";
    this.ledger.mistake(
      rule.line,
      "never-matches",
      why,
      first === undefined ? "drop the rule" : "drop the rule, or put it first",
    );
    this.ledger.note(rule.line, "not-needed", "no connection ever gets here");
  }

  /** Keys of a map that lead to no backend. */
  private noteComputed(proxy: Proxy, line: SourceLine): void {
    const rule = proxy.rules.find((one) => one.line === line);
    for (const { key, backend } of (rule === undefined ? null : computedKeys(this.source, proxy, rule)) ?? []) {
      if (findBackend(this.source, backend) !== null) continue;
      const what = key === "" ? "names without a key" : key;
      this.ledger.mistake(line, "missing-backend", `the map sends ${what} to ${backend}, which does not exist`);
    }
  }
}

/** Names every HAProxy knows. */
export const PREDEFINED = /^(FALSE|TRUE|HTTP|HTTP_[0-9._A-Z]+|LOCALHOST|METH_[A-Z]+|RDP_COOKIE|REQ_CONTENT|WAIT_END)$/;

/** The lines whose patterns a rule asks for: its own, and those of its ACLs. */
function linesOf({ condition, line }: Rule, proxy: Proxy): ReadonlySet<number> {
  const tests = condition?.anyOf.flat().flatMap((term) => testsOfTerm(term, proxy)) ?? [];
  return new Set([line.line, ...tests.map((test) => test.line.line)]);
}
