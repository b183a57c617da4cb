/** Addresses of `bind` and `server` lines. */
import { readNodes } from "../../config/values/addresses.ts";
import { canonicalIp } from "../../core/address.ts";
import { expandAll, type Environment } from "./environment.ts";
import { wordAt, wordsFrom, type SourceLine } from "./lexer.ts";

/** One address of a `bind` line. */
export interface Bind {
  /** "" is every address. */
  readonly ip: string;
  /** 0 at a unix socket. */
  readonly port: number;
  /** A unix socket's path, or the name of an abstract one; null: TCP. */
  readonly socket: string | null;
  /** TLS ends here. */
  readonly ssl: boolean;
  readonly acceptProxy: boolean;
  readonly line: SourceLine;
}

/** One `server` or `server-template` line, `default-server` applied. */
export interface Server {
  readonly name: string;
  /** Address in canonical text, or a host name; "" at a unix socket. */
  readonly host: string;
  /** A unix socket's path, or the name of an abstract one; null: TCP. */
  readonly socket: string | null;
  readonly isName: boolean;
  /** Null: the port the client came to. */
  readonly port: number | null;
  /** Keyword to its value, "" for a switch; `no-…` has removed what it names. */
  readonly options: ReadonlyMap<string, string>;
  readonly line: SourceLine;
}

/** Why an address could not be read, in words. */
export interface Unusable {
  readonly problem: string;
  readonly line: SourceLine;
}

/** Ranges of ports longer than this are no load balancer for clusters. */
const PORTS_MOST = 64;

/**
 * Reads `bind ADDRESS[,ADDRESS…] [options]`.
 * @param addressAt The word with the addresses: 2 on the head of a section, where HAProxy 1.x took them.
 */
export function readBinds(line: SourceLine, environment: Environment, addressAt = 1): (Bind | Unusable)[] {
  const options = new Set(wordsFrom(line, addressAt + 1));
  return expandAll(wordAt(line, addressAt), environment)
    .split(",")
    .flatMap((text): (Bind | Unusable)[] => {
      const [ssl, acceptProxy] = [options.has("ssl"), options.has("accept-proxy")];
      const socket = socketName(text);
      if (socket !== null) return [{ ip: "", port: 0, socket, ssl, acceptProxy, line }];
      const at = splitAddress(text);
      const ports = at === null ? [] : portRange(at.port);
      const ip = at === null ? null : bindIp(at.host);
      if (ip === null || ports.length === 0) return [{ problem: `the address ${text}`, line }];
      return ports.map((port) => ({ ip, port, socket: null, ssl, acceptProxy, line }));
    });
}

/** `unix@/run/x.sock`, `abns@x`, `/run/x.sock`: what both ends of such a connection are called. */
function socketName(text: string): string | null {
  const [, name] = /^(?:(?:unix|uxst|abnsz?)@)(.+)$/.exec(text) ?? [];
  return name ?? (text.startsWith("/") ? text : null);
}

function bindIp(host: string): string | null {
  return ["", "*", "0.0.0.0", "::"].includes(host) ? "" : canonicalIp(host);
}

function portRange(text: string): number[] {
  const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === "" || from < 1 || to > 65_535 || to < from || to - from >= PORTS_MOST) return [];
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** Splits at the last colon, as HAProxy does; `ipv4@` and `ipv6@` are dropped. Null for unix sockets and the like. */
export function splitAddress(text: string): { readonly host: string; readonly port: string } | null {
  const plain = text.replace(/^(ipv4|ipv6|tcp4|tcp6|tcp)@/, "");
  if (plain.includes("@") || plain.startsWith("/") || plain === "") return null;
  const bracket = /^\[([^\]]*)\](?::(.*))?$/.exec(plain);
  if (bracket !== null) return { host: bracket[1] ?? "", port: bracket[2] ?? "" };
  const colon = plain.lastIndexOf(":");
  return colon < 0 ? { host: plain, port: "" } : { host: plain.slice(0, colon), port: plain.slice(colon + 1) };
}

/** Reads `server NAME ADDRESS …` or `server-template PREFIX NUMBER ADDRESS …` on top of `default-server` options. */
export function readServer(
  line: SourceLine,
  defaults: ReadonlyMap<string, string>,
  environment: Environment,
): Server | Unusable {
  const template = wordAt(line, 0) === "server-template";
  const addressAt = template ? 3 : 2;
  const text = expandAll(wordAt(line, addressAt), environment);
  const options = readOptions(wordsFrom(line, addressAt + 1), defaults);
  const name = wordAt(line, 1);
  const socket = socketName(text);
  if (socket !== null) return { name, host: "", socket, isName: false, port: null, options, line };
  const at = splitAddress(text);
  const port = at === null || at.port === "" ? null : Number(at.port);
  if (at === null || at.host === "" || (port !== null && !(port >= 1 && port <= 65_535))) {
    return { problem: `the address ${text === "" ? "(none)" : text}`, line };
  }
  const ip = canonicalIp(at.host);
  const nodes = readNodes(ip !== null && ip.includes(":") ? `[${ip}]` : (ip ?? at.host));
  if (!nodes.ok || nodes.value.length !== 1) return { problem: `the address ${text}`, line };
  return { name, host: ip ?? at.host.toLowerCase(), socket: null, isName: ip === null, port, options, line };
}

/** Server keywords that take one value. */
const WITH_VALUE = new Set(
  (
    "addr agent-addr agent-check-port agent-inter agent-port agent-send alpn ca-file check-alpn check-proto check-sni ciphers " +
    "ciphersuites cookie crl-file crt curves downinter error-limit fall fastinter force-tls guid hash-key id init-addr inter " +
    "log-proto maxconn maxqueue max-reuse minconn namespace npn observe on-error on-marked-down on-marked-up pool-low-conn " +
    "pool-max-conn pool-purge-delay port proto proxy-v2-options redir resolve-net resolve-opts resolve-prefer resolvers rise " +
    "server-id set-proxy-v2-tlv-fmt slowstart sni socks4 source ssl-max-ver ssl-min-ver tcp-md5sig tcp-ut track usesrc verify " +
    "verifyhost weight ws"
  ).split(" "),
);

/** Reads keywords with their values; later ones win. */
export function readOptions(
  words: readonly string[],
  defaults: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const options = new Map(defaults);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word.startsWith("no-")) options.delete(word.slice(3));
    if (word === "enabled") options.delete("disabled");
    else if (WITH_VALUE.has(word)) {
      options.set(word, words[at + 1] ?? "");
      at++;
    } else {
      options.set(word, "");
    }
  }
  return options;
}

export function isUnusable<T extends object>(value: T | Unusable): value is Unusable {
  return "problem" in value;
}
