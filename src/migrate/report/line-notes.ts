/** A fate for every line that no step before has spoken of: no line of the source is passed over in silence. */
import type { Parts } from "../plan/plan.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import type { StopRule } from "../source/proxies.ts";
import type { Section } from "../source/sections.ts";
import { DIRECTIVES, PREFIXES, OTHER_SECTIONS, type Fate } from "./directives.ts";
import type { Ledger } from "../source/ledger.ts";

export function noteEverythingElse(parts: Parts, ledger: Ledger): void {
  noteOthers(parts, ledger);
  for (const proxy of parts.source.proxies) {
    for (const stop of proxy.stops) noteStop(stop, ledger);
  }
  for (const section of parts.source.sections) noteSection(parts, section, ledger);
}

function give(line: SourceLine, [fate, why, todo]: Fate, ledger: Ledger, code = ""): void {
  if (!ledger.hasFate(line)) ledger.note(line, fate, why, todo === undefined ? { code } : { code, todo });
}

const WHOLE: Readonly<Record<"tls-ends-here" | "other", Fate>> = {
  "tls-ends-here": [
    "cannot",
    "TLS ends here; edge-lb passes TLS through to the clusters and holds no keys",
    "let the cluster's ingress hold the certificate, or keep this frontend on another address",
  ],
  other: [
    "cannot",
    "not a listener of clusters: edge-lb serves api, https, http and mcs, routed by name",
    "keep this frontend where it is",
  ],
};

/** Frontends that stay behind, and the backends that only they use. */
function noteOthers({ source, others, entries }: Parts, ledger: Ledger): void {
  const carried = new Set(entries.map((entry) => entry.proxy));
  for (const { proxy, role } of others) {
    if (carried.has(proxy)) {
      for (const bind of proxy.binds.filter((one) => !ledger.hasFate(one.line)))
        give(bind.line, WHOLE[role], ledger, role);
      continue;
    }
    const names = new Set([...proxy.rules.map((rule) => rule.backendText), proxy.defaultBackend?.name]);
    const behind = source.proxies.filter((one) => names.has(one.name) && !ledger.hasFate(one.section.head));
    for (const { section } of [proxy, ...behind]) {
      for (const line of [section.head, ...section.lines]) give(line, WHOLE[role], ledger, role);
    }
  }
}

function noteStop(stop: StopRule, ledger: Ledger): void {
  if (ledger.hasFate(stop.line)) return;
  const text = stop.line.text;
  if (stop.effect === "accept")
    ledger.note(stop.line, "carried", "edge-lb always waits for the hello or the request's head");
  else if (stop.effect === "redirect-https")
    ledger.note(stop.line, "changed", "redirect-https on, for the names of each cluster; ACME paths are let through", {
      code: "redirect",
    });
  else if (stop.effect === "reject" && /ssl_hello_type/.test(text))
    ledger.note(stop.line, "carried", "what is no TLS hello is refused, plain HTTP with a word");
  else {
    const todo = "use allow for client addresses; for the rest keep a proxy of your own behind edge-lb";
    ledger.note(stop.line, "cannot", "edge-lb decides by the name asked for and the client's address only", {
      code: "rule",
      todo,
    });
  }
}

function noteSection(parts: Parts, section: Section, ledger: Ledger): void {
  const lines = [section.head, ...section.lines];
  if (section.kind === "other") {
    for (const line of lines)
      give(line, OTHER_SECTIONS[section.keyword] ?? ["not-needed", "no part of routing"], ledger);
    return;
  }
  if (section.lines.some((line) => line.words.length === 1 && wordAt(line, 0) === "disabled")) {
    for (const line of lines) give(line, ["not-needed", `${section.keyword} ${section.name} is disabled`], ledger);
    return;
  }
  if (parts.stats.some((proxy) => proxy.section === section)) {
    for (const line of lines)
      give(line, ["changed", "the status page, JSON, metrics and HAProxy's CSV are at the admin address"], ledger);
    return;
  }
  const isUsed = section.kind === "global" || section.kind === "defaults" || ledger.hasFate(section.head);
  const unused: Fate = ["not-needed", `no route of this file leads to ${section.keyword} ${section.name}`];
  for (const line of lines) give(line, isUsed ? fateOf(line) : unused, ledger, isUsed ? unknownCode(line) : "");
}

const HEADS: Fate = ["carried", "read"];
const UNKNOWN: Fate = [
  "cannot",
  "this directive is not known to edge-lb",
  "look up what it does; edge-lb has no word for it",
];

function unknownCode(line: SourceLine): string {
  return fateOf(line) === UNKNOWN ? "unknown-directive" : "";
}

/** By two words, then one, then a prefix; `no option X` is as `option X`. */
function fateOf(line: SourceLine): Fate {
  const words = wordsFrom(line, 0);
  const [first = "", second = "", third = ""] = words[0] === "no" && words[1] === "option" ? words.slice(1) : words;
  if (first === "global" || first === "defaults") return HEADS;
  if (first === "acl") return ["not-needed", "no route depends on this ACL"];
  const forwarded = first === "http-request" && /^(set|add)-header$/.test(second) && /^x-forwarded-/i.test(third);
  const table = /^(track-sc|sc-)/.test(second) ? "track-sc" : second;
  return (
    (forwarded ? DIRECTIVES["http-request set-header X-Forwarded"] : undefined) ??
    DIRECTIVES[`${first} ${table}`] ??
    DIRECTIVES[first] ??
    PREFIXES.find(([prefix]) => first.startsWith(prefix))?.[1] ??
    UNKNOWN
  );
}
