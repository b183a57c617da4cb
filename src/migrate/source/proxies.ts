/** Frontends, backends and listens as data: what was written, with the line it stands on. */
import type { Environment } from "./environment.ts";
import { readCondition, type Condition } from "./conditions.ts";
import { isUnusable, readBinds, readOptions, readServer, type Bind, type Server, type Unusable } from "./endpoints.ts";
import { wordAt, wordsFrom, type SourceLine } from "./lexer.ts";
import { readAclTest, type AclTest, type ReadSide } from "./samples.ts";
import type { Section } from "./sections.ts";

/** `use_backend NAME if …`. */
export interface SwitchRule {
  /** A backend's name, or a format such as `%[req.ssl_sni,lower,map(names.map)]`. */
  readonly backendText: string;
  readonly condition: Condition | null;
  readonly line: SourceLine;
}

/** A rule that ends a connection or request before a backend is chosen. */
export interface StopRule {
  readonly effect: "accept" | "reject" | "redirect-https" | "other";
  readonly condition: Condition | null;
  readonly line: SourceLine;
}

export interface Proxy {
  readonly section: Section;
  readonly name: string;
  readonly mode: "tcp" | "http";
  readonly binds: readonly Bind[];
  readonly acls: ReadonlyMap<string, readonly AclTest[]>;
  readonly rules: readonly SwitchRule[];
  readonly stops: readonly StopRule[];
  readonly defaultBackend: { readonly name: string; readonly line: SourceLine } | null;
  readonly servers: readonly Server[];
  /** Addresses that could not be read. */
  readonly unusable: readonly Unusable[];
  readonly disabled: boolean;
}

/** What reading needs from outside. */
export interface Surroundings {
  readonly environment: Environment;
  readonly readSide: ReadSide;
}

export function readProxy(section: Section, around: Surroundings): Proxy {
  const binds = linesOf(section, "bind").flatMap((line) => readBinds(line, around.environment));
  const servers = readServers(section, around.environment);
  const fallback = lastLine(section, ["default_backend"]);
  return {
    section,
    name: section.name,
    mode: wordAt(lastLine(section, ["mode"]) ?? NO_LINE, 1) === "http" ? "http" : "tcp",
    binds: binds.filter((bind): bind is Bind => !isUnusable(bind)),
    acls: readAcls(section, around.readSide),
    rules: linesOf(section, "use_backend").map((line) => ({
      backendText: wordAt(line, 1),
      condition: readCondition(line, around.readSide),
      line,
    })),
    stops: section.lines.flatMap((line) => stopRule(line, around.readSide)),
    defaultBackend: fallback === null ? null : { name: wordAt(fallback, 1), line: fallback },
    servers: servers.filter((server): server is Server => !isUnusable(server)),
    unusable: [...binds, ...servers].filter((value): value is Unusable => isUnusable(value)),
    disabled: section.lines.some((line) => line.words.length === 1 && wordAt(line, 0) === "disabled"),
  };
}

const NO_LINE: SourceLine = { words: [], line: 0, lastLine: 0, text: "" };

export function linesOf(section: Section, keyword: string): SourceLine[] {
  return section.lines.filter((line) => wordAt(line, 0) === keyword);
}

/** The directive that starts with these words and counts: the proxy's own last one, else that of its defaults. */
export function lastLine(section: Section, start: readonly string[]): SourceLine | null {
  for (const place of [section, ...section.defaults]) {
    const found = place.lines.findLast((line) => start.every((word, index) => wordAt(line, index) === word));
    if (found !== undefined) return found;
  }
  return null;
}

/** Is `option NAME` on, with `no option NAME` and the defaults taken into account? */
export function hasOption(section: Section, name: string): boolean {
  for (const place of [section, ...section.defaults]) {
    const found = place.lines.findLast((line) => {
      const at = wordAt(line, 0) === "no" ? 1 : 0;
      return wordAt(line, at) === "option" && wordAt(line, at + 1) === name;
    });
    if (found !== undefined) return wordAt(found, 0) !== "no";
  }
  return false;
}

/** `default-server` counts for the lines after it, so lines are read in order. */
function readServers(section: Section, environment: Environment): (Server | Unusable)[] {
  let defaults: ReadonlyMap<string, string> = new Map();
  for (const place of section.defaults.toReversed()) {
    for (const line of linesOf(place, "default-server")) defaults = readOptions(wordsFrom(line, 1), defaults);
  }
  const servers: (Server | Unusable)[] = [];
  for (const line of section.lines) {
    const keyword = wordAt(line, 0);
    if (keyword === "default-server") defaults = readOptions(wordsFrom(line, 1), defaults);
    if (keyword === "server" || keyword === "server-template") servers.push(readServer(line, defaults, environment));
  }
  return servers;
}

/** Several `acl` lines of one name are alternatives. */
function readAcls(section: Section, readSide: ReadSide): ReadonlyMap<string, AclTest[]> {
  const acls = new Map<string, AclTest[]>();
  for (const line of linesOf(section, "acl")) {
    const name = wordAt(line, 1);
    acls.set(name, [...(acls.get(name) ?? []), readAclTest(line.words.slice(2), line, readSide)]);
  }
  return acls;
}

function stopRule(line: SourceLine, readSide: ReadSide): StopRule[] {
  const effect = stopEffect(wordsFrom(line, 0));
  return effect === null ? [] : [{ effect, condition: readCondition(line, readSide), line }];
}

/** Rules that only look or write a header do not stop anything. */
const HARMLESS =
  /^(set-|add-|del-|replace-|capture|track-|sc-|lua\.|send-spoe|do-resolve|wait-for|unset-|silent-drop$|cache-|switch-mode)/;

function stopEffect(words: readonly string[]): StopRule["effect"] | null {
  const [keyword = "", first = "", second = ""] = words;
  if (keyword === "redirect") return isHttpsRedirect(words.slice(1)) ? "redirect-https" : "other";
  if (keyword === "block") return "reject";
  if (keyword === "http-request") return httpEffect(first, words.slice(2));
  if (keyword !== "tcp-request" || !["connection", "content", "session"].includes(first)) return null;
  if (second === "accept" || second === "reject") return second;
  return second === "silent-drop" ? "reject" : null;
}

function httpEffect(action: string, rest: readonly string[]): StopRule["effect"] | null {
  if (action === "redirect") return isHttpsRedirect(rest) ? "redirect-https" : "other";
  if (action === "deny" || action === "tarpit" || action === "silent-drop" || action === "reject") return "reject";
  if (action === "allow") return "accept";
  return HARMLESS.test(action) ? null : "other";
}

function isHttpsRedirect(words: readonly string[]): boolean {
  const [how, what = ""] = words;
  return (
    (how === "scheme" && what === "https") || (how === "location" && /^https:\/\/%\[(req\.)?hdr\(host\)\]/i.test(what))
  );
}

/** Without servers that are `disabled` or no addresses. */
export function usableServers(backend: Proxy): Server[] {
  return backend.servers.filter((server) => !server.options.has("disabled") && !isService(server));
}

/** `_https._tcp.routers.lab` is an SRV record, which edge-lb does not look up. */
function isService(server: Server): boolean {
  return server.host.startsWith("_");
}
