/** `edge-lb import FILE|-`: from an haproxy.cfg to YAML or flags, with a report and, if asked, a proof. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { readDomain } from "../config/names.ts";
import { quote } from "../config/text.ts";
import { codeOf, EdgeError } from "../errors.ts";
import { importHaproxy, type ImportResult } from "../migrate/import.ts";
import type { Note } from "../migrate/source/ledger.ts";
import { reportJson, reportText } from "../migrate/report/text.ts";
import { verifyImport, type Verification } from "../migrate/verify/verify.ts";
import { writeFlags, writeYaml } from "../migrate/write.ts";
import { machineOf, type Io } from "./io.ts";

export interface ImportOptions {
  /** `-` is standard input. */
  readonly file: string;
  readonly format: "yaml" | "flags";
  /** Where the configuration goes; null: stdout. */
  readonly out: string | null;
  /** Report as JSON on stdout, the configuration in it unless it goes to a file. */
  readonly json: boolean;
  readonly verify: boolean;
  /** For a source that tells no names: `api.DOMAIN` and `*.apps.DOMAIN` are its one cluster's. */
  readonly domain: string | null;
}

/**
 * The configuration on stdout or in a file; the report on stderr, or on stdout when the configuration is in a file.
 * @returns 0 clean, 1 a difference that nothing explains, 3 something cannot be carried over
 * @throws EdgeError, EdgeErrors USAGE or CONFIG_UNREADABLE (exit 2)
 */
export function importCommand(io: Io, args: readonly string[]): number {
  return runImport(io, readImportArgs(args));
}

export function runImport(io: Io, options: ImportOptions): number {
  const file = options.file === "-" ? "stdin" : options.file;
  const result = importHaproxy({
    file,
    text: readSource(io, options.file),
    environment: new Map(
      Object.entries(io.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    readSide: sideReader(io, options.file),
    domain: options.domain,
  });
  if (result.groups.length === 0) throw noRoutes(file, result.notes);
  const yaml = writeYaml(result.imported, file);
  const verification = prove(io, result, yaml, options.verify);
  const config = options.format === "yaml" ? yaml : writeFlags(result.imported);
  if (options.out !== null) writeOut(options.out, config);
  print(io, options, file, result.notes, verification, config);
  return exitCode(result.notes, verification);
}

function exitCode(notes: readonly Note[], verification: Verification | null): number {
  if (verification?.differences.some(({ reason }) => reason === null)) return 1;
  return notes.some((note) => note.class === "cannot") ? 3 : 0;
}

function print(
  io: Io,
  { json, out }: ImportOptions,
  file: string,
  notes: readonly Note[],
  verification: Verification | null,
  config: string,
): void {
  if (json) return io.out(reportJson(file, notes, verification, out === null ? config : null));
  const report = reportText(file, notes, verification);
  if (out === null) io.out(config);
  if (out === null) io.err(report);
  else io.out(report);
}

/** What was written is read back by edge-lb's own reader, always; the names are asked only on request. */
function prove(io: Io, result: ImportResult, yaml: string, verify: boolean): Verification | null {
  const name = "the imported configuration";
  const config = loadConfig({
    flags: [{ flag: "config", text: name }],
    readFile: () => yaml,
    machine: { ...machineOf(io), env: {} },
  });
  return verify ? verifyImport(result, config) : null;
}

/** Nothing to serve is no configuration: the first lines that cannot be carried over say why. */
function noRoutes(file: string, notes: readonly Note[]): EdgeError {
  const why = notes.find((note) => note.class === "cannot");
  const found = why === undefined ? "no frontend that leads to servers found" : `line ${why.line}: ${why.why}`;
  return new EdgeError("CONFIG_UNREADABLE", `Cannot import: ${found}`, {
    where: why === undefined ? file : `${file}:${why.line}`,
  });
}

function readSource(io: Io, path: string): string {
  try {
    return path === "-" ? readFileSync(0, "utf8") : io.readFile(path);
  } catch (error) {
    const code = codeOf(error) ?? "it cannot be read";
    const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "permission denied" : code;
    throw new EdgeError("CONFIG_UNREADABLE", `Cannot read ${quote(path)}: ${why}`, { where: path });
  }
}

/** Files named in the source: where it says, or beside the source when that was copied from another machine. */
function sideReader(io: Io, source: string): (path: string) => string | null {
  const folder = source === "-" ? "." : dirname(source);
  const files = new Map<string, string | null>();
  const read = (path: string): string | null => {
    for (const place of [path, join(folder, path), join(folder, basename(path))]) {
      try {
        return io.readFile(place);
      } catch {
        // the next place
      }
    }
    return null;
  };
  return (path) => {
    const known = files.get(path);
    if (known !== undefined) return known;
    const text = read(path);
    files.set(path, text);
    return text;
  };
}

function writeOut(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const why = codeOf(error) ?? "it cannot be written";
    throw new EdgeError("USAGE", `Cannot write ${quote(path)}: ${why}`, { where: "--out" });
  }
}

const VALUE_FLAGS: ReadonlySet<string> = new Set(["format", "out", "domain"]);

/** @throws EdgeError USAGE */
export function readImportArgs(args: readonly string[]): ImportOptions {
  const given = new Map<string, string>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [, flag, inline] = /^--([a-z]+)(?:=(.*))?$/s.exec(args[at] ?? "") ?? [];
    if (flag === undefined) words.push(args[at] ?? "");
    else if (VALUE_FLAGS.has(flag)) given.set(flag, inline ?? args[++at] ?? "");
    else if ((flag === "json" || flag === "verify") && inline === undefined) given.set(flag, "");
    else throw usage(`Cannot use --${flag}: not known to import`);
  }
  const [file] = words;
  if (file === undefined || words.length > 1 || (file.startsWith("-") && file !== "-")) {
    throw usage(
      `Cannot run import: ${words.length > 1 ? quote(words[1] ?? "") : "no argument"} found, FILE or - wanted`,
    );
  }
  return checkOptions(file, given);
}

function checkOptions(file: string, given: ReadonlyMap<string, string>): ImportOptions {
  const format = given.get("format") ?? "yaml";
  if (format !== "yaml" && format !== "flags")
    throw usage(`Cannot use --format: ${quote(format)} found, yaml or flags wanted`);
  if (given.get("out") === "") throw usage("Cannot use --out: no value found, FILE wanted");
  const domain = given.get("domain");
  const reading = domain === undefined ? null : readDomain(domain);
  if (reading?.ok === false) throw usage(`Cannot use --domain: ${quote(domain ?? "")} found, ${reading.wanted} wanted`);
  return {
    file,
    format,
    out: given.get("out") ?? null,
    json: given.has("json"),
    verify: given.has("verify"),
    domain: reading?.value ?? null,
  };
}

function usage(message: string): EdgeError {
  return new EdgeError("USAGE", message, {
    hint: "edge-lb import haproxy.cfg [--format yaml|flags] [--out FILE] [--json] [--verify]",
  });
}
