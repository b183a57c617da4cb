/** Frontends, backends and listens as data: what was written, with the line it stands on. */
import type { Environment } from "./environment.ts";
import { readCondition, type Condition } from "./conditions.ts";
import { isUnusable, readBinds, readOptions, readServer, type Bind, type Server, type Unusable } from "./endpoints.ts";
import { waitsOf, type Waits } from "./inspection.ts";
import { wordAt, wordsFrom, type SourceLine } from "./lexer.ts";
import { readAclTest, type AclTest, type ReadSide } from "./samples.ts";
import { lastLine, linesOf, type Section } from "./sections.ts";
import { readStep, type Step } from "./steps.ts";

/** `use_backend NAME if …`. */
export interface SwitchRule {
  /** A backend's name, or a format such as `%[req.ssl_sni,lower,map(names.map)]`. */
  readonly backendText: string;
  readonly condition: Condition | null;
  readonly line: SourceLine;
}

/** `use-server NAME if …`. */
export interface ServerRule {
  readonly serverName: string;
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
  /** What is done before a backend is chosen, in the order of the file. */
  readonly steps: readonly Step[];
  readonly serverRules: readonly ServerRule[];
  readonly defaultBackend: { readonly name: string; readonly line: SourceLine } | null;
  readonly servers: readonly Server[];
  /** Addresses that could not be read. */
  readonly unusable: readonly Unusable[];
  readonly disabled: boolean;
  /** What of a client in mode tcp has arrived when its rules run. */
  readonly waits: Waits;
}

/** What reading needs from outside. */
export interface Surroundings {
  readonly environment: Environment;
  readonly readSide: ReadSide;
}

export function readProxy(section: Section, around: Surroundings): Proxy {
  const binds = [
    ...(hasAddressInHead(section) ? readBinds(section.head, around.environment, 2) : []),
    ...linesOf(section, "bind").flatMap((line) => readBinds(line, around.environment)),
  ];
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
    steps: section.lines.flatMap((line) => readStep(line, around.readSide)),
    serverRules: linesOf(section, "use-server").map((line) => ({
      serverName: wordAt(line, 1),
      condition: readCondition(line, around.readSide),
      line,
    })),
    defaultBackend: fallback === null ? null : { name: wordAt(fallback, 1), line: fallback },
    servers: servers.filter((server): server is Server => !isUnusable(server)),
    unusable: [...binds, ...servers].filter((value): value is Unusable => isUnusable(value)),
    disabled: section.lines.some((line) => line.words.length === 1 && wordAt(line, 0) === "disabled"),
    waits: waitsOf(section),
  };
}

/** `frontend NAME *:6443`, as HAProxy 1.x took it. */
export function hasAddressInHead({ kind, head }: Section): boolean {
  return kind !== "backend" && head.words.length > 2 && wordAt(head, 2) !== "from";
}

const NO_LINE: SourceLine = { words: [], line: 0, lastLine: 0, text: "" };

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

/**
 * Servers that get traffic: neither `disabled` nor of weight 0, with an address that edge-lb can dial.
 * The ones that a `use-server` rule names are pools of their own, see `serverPool`.
 */
export function usableServers(backend: Proxy): Server[] {
  return backend.servers.filter((server) => !isOut(server) && server.socket === null && !isService(server));
}

/** HAProxy sends it nothing until told otherwise at run time. */
export function isOut(server: Server): boolean {
  return server.options.has("disabled") || Number(server.options.get("weight") ?? 1) === 0;
}

/** The one server that a `use-server` rule sends to, as a backend; weight 0 counts for balancing only. */
export function serverPool(backend: Proxy, serverName: string): Proxy | null {
  const server = backend.servers.find(({ name }) => name === serverName);
  if (server === undefined) return null;
  const options = new Map(server.options);
  options.delete("weight");
  return {
    ...backend,
    name: `${backend.name}/${serverName}`,
    servers: [{ ...server, options }],
    unusable: [],
    serverRules: [],
    steps: [],
  };
}

/** `_https._tcp.routers.lab` is an SRV record, which edge-lb does not look up. */
function isService(server: Server): boolean {
  return server.host.startsWith("_");
}
