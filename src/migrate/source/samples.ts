/** Sample expressions (`req.ssl_sni`, `hdr(host),lower`) and ACL tests on them, as written; `matching.ts` runs them. */
import type { SourceLine, Word } from "./lexer.ts";

/** `name(argument, …)`. */
export interface Call {
  readonly name: string;
  readonly args: readonly string[];
}

/** A fetch and the converters after it. */
export interface Sample {
  readonly fetch: Call;
  readonly converters: readonly Call[];
}

/** What a sample gives for one client. */
export type SampleValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" };

export type MatchMethod =
  | "str"
  | "beg"
  | "end"
  | "sub"
  | "dom"
  | "dir"
  | "reg"
  | "len"
  | "found"
  | "int"
  | "ip"
  | "bool"
  | "bin";

/** One value to match against, and where it stands. */
export interface Pattern {
  readonly text: string;
  /** `12` or `names.lst:3`. */
  readonly where: string;
}

/** One `acl` line or one anonymous `{ … }`. */
export interface AclTest {
  readonly sample: Sample;
  readonly method: MatchMethod;
  readonly ignoreCase: boolean;
  readonly patterns: readonly Pattern[];
  /** The directive it stands in. */
  readonly line: SourceLine;
  /** A `-f` file that could not be read, or an option edge-lb does not know. */
  readonly problem: string | null;
}

/** Splits at commas and opening brackets outside of brackets. */
export function readSample(text: string): Sample {
  const [first = "", ...rest] = splitOutside(text, ",");
  return { fetch: readCall(first), converters: rest.map(readCall) };
}

function readCall(text: string): Call {
  const open = text.indexOf("(");
  if (open < 0 || !text.endsWith(")")) return { name: text.toLowerCase(), args: [] };
  const args = splitOutside(text.slice(open + 1, -1), ",").map((arg) => arg.trim().replace(/^(['"])(.*)\1$/, "$2"));
  return { name: text.slice(0, open).toLowerCase(), args };
}

function splitOutside(text: string, separator: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (char === separator && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** What the name of a fetch says about matching: `hdr_end(host)` is `hdr(host) -m end`. */
const SUFFIXES: readonly MatchMethod[] = ["beg", "end", "sub", "dom", "dir", "reg", "len", "str"];

/** Fetches whose old names end in `_beg`, `_reg` and so on. */
const DERIVED =
  /^(hdr|req\.hdr|req\.fhdr|req\.cook|cook|path|url|base|ssl_fc_sni|urlp|http_auth)_(beg|end|sub|dom|dir|reg|len|str)$/;

function derivedMethod(fetch: Call): { readonly fetch: Call; readonly method: MatchMethod | null } {
  const match = DERIVED.exec(fetch.name);
  const method = SUFFIXES.find((suffix) => suffix === match?.[2]) ?? null;
  return { fetch: { ...fetch, name: match?.[1] ?? fetch.name }, method };
}

/** Reads the file of `-f` or of a map; null where it cannot be read. */
export type ReadSide = (path: string) => string | null;

const METHODS = new Set<string>([
  "str",
  "beg",
  "end",
  "sub",
  "dom",
  "dir",
  "reg",
  "len",
  "found",
  "int",
  "ip",
  "bool",
  "bin",
]);

function isMethod(text: string): text is MatchMethod {
  return METHODS.has(text);
}

/** Reads `SAMPLE [flags] [operator] PATTERN…`. */
export function readAclTest(words: readonly Word[], line: SourceLine, readSide: ReadSide): AclTest {
  const sample = readSample(words[0]?.text ?? "");
  const derived = derivedMethod(sample.fetch);
  const flags = readFlags(words.slice(1), readSide);
  const numeric = defaultMethod(derived.fetch.name, sample.converters);
  return {
    sample: { fetch: derived.fetch, converters: sample.converters },
    method: flags.method ?? derived.method ?? numeric,
    ignoreCase: flags.ignoreCase,
    patterns: flags.patterns,
    line,
    problem: flags.problem,
  };
}

const INTEGERS =
  /^(req[._]ssl_(hello_type|ver)|req[._]len|dst_port|src_port|be_conn|fe_conn|nbsrv|connslots|queue|avg_queue|be_sess_rate|fe_sess_rate|ssl_fc_cipher|status|hdr_cnt|req\.hdr_cnt|hdr_ip|sc\d?_.*|src_(conn|sess|http|kbytes|get|inc|clr).*)$/;
const ADDRESSES = /^(src|dst|hdr_ip|req\.hdr_ip)$/;

function defaultMethod(fetch: string, converters: readonly Call[]): MatchMethod {
  if (converters.length > 0) return "str";
  if (ADDRESSES.test(fetch)) return "ip";
  if (INTEGERS.test(fetch)) return "int";
  return /^(ssl_fc|ssl_c_used|always_true|always_false|wait_end|req_proto_http|req\.proto_http|http_first_req)$/.test(
    fetch,
  )
    ? "bool"
    : "str";
}

interface Flags {
  method: MatchMethod | null;
  ignoreCase: boolean;
  patterns: Pattern[];
  problem: string | null;
}

function readFlags(words: readonly Word[], readSide: ReadSide): Flags {
  const flags: Flags = { method: null, ignoreCase: false, patterns: [], problem: null };
  let at = 0;
  let open = true;
  while (at < words.length) {
    const word = words[at]?.text ?? "";
    const value = words[at + 1]?.text ?? "";
    if (open && word === "--") open = false;
    else if (open && word === "-i") flags.ignoreCase = true;
    else if (open && (word === "-n" || word === "-M")) flags.problem ??= word === "-M" ? "-M" : null;
    else if (open && ["-m", "-f", "-u"].includes(word)) {
      if (word === "-m") setMethod(flags, value);
      if (word === "-f") addFile(flags, value, readSide);
      at++;
    } else {
      open = false;
      flags.patterns.push({ text: word, where: String(words[at]?.line ?? 0) });
    }
    at++;
  }
  return flags;
}

function setMethod(flags: Flags, value: string): void {
  if (isMethod(value)) flags.method = value;
  else flags.problem ??= `the match method ${value}`;
}

/** One pattern a line, `#` starts a comment line. */
function addFile(flags: Flags, path: string, readSide: ReadSide): void {
  const text = readSide(path);
  if (text === null) {
    flags.problem ??= `the file ${path}, which cannot be read here`;
    return;
  }
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const pattern = raw.trim();
    if (pattern !== "" && !pattern.startsWith("#"))
      flags.patterns.push({ text: pattern, where: `${path}:${index + 1}` });
  }
}
