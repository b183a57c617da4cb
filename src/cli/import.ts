/** `edge-lb import FILE|-`: from an haproxy.cfg to YAML or flags, with a report and, if asked, a proof. */
import { basename, dirname, join } from "node:path";
import { loadConfig } from "../config/load.ts";
import { readDomain } from "../config/names.ts";
import { quote } from "../config/text.ts";
import { choice } from "../config/values.ts";
import { codeOf, EdgeError } from "../errors.ts";
import { importHaproxy, type ImportResult } from "../migrate/import.ts";
import type { Note } from "../migrate/source/ledger.ts";
import { reportJson, reportText } from "../migrate/report/text.ts";
import { verifyImport, type Verification } from "../migrate/verify/verify.ts";
import { writeFlags, writeYaml } from "../migrate/write.ts";
import { argument, command, type Call } from "./command.ts";
import { anyText, oneWord, single, toggle } from "./command-option.ts";
import { EXIT } from "./exit-code.ts";
import { machineOf, type Io } from "./io.ts";
import { isLoss, lossText } from "./output.ts";

export const IMPORT = command({
  name: "import",
  help: "Turn a haproxy.cfg into YAML or flags, with a report on every line",
  args: [argument("FILE|-", "file")],
  options: {
    format: oneWord(choice("yaml", "flags"), "What to write (yaml)"),
    out: single("FILE", "Write it there, and the report to stdout", anyText),
    domain: single(
      "DOMAIN",
      "For a source that tells no names: api.DOMAIN and *.apps.DOMAIN are its cluster's",
      readDomain,
    ),
    verify: toggle("Ask both for every name of the source and its near misses, print the differences"),
    json: toggle("Report as JSON"),
  },
  synonyms: ["convert", "migrate"],
  run: runImport,
});

type ImportCall = Pick<Call, "args" | "io"> & {
  readonly options: {
    /** Null: yaml. */
    readonly format: "yaml" | "flags" | null;
    /** Where the configuration goes; null: stdout. */
    readonly out: string | null;
    /** For a source that tells no names: `api.DOMAIN` and `*.apps.DOMAIN` are its one cluster's. */
    readonly domain: string | null;
    readonly verify: boolean;
    /** Report as JSON on stdout, the configuration in it unless it goes to a file. */
    readonly json: boolean;
  };
};

/**
 * The configuration on stdout or in a file; the report on stderr, or on stdout when the configuration is in a file.
 * @returns 0 clean, 1 a difference that nothing explains, 3 something cannot be carried over
 * @throws EdgeError, EdgeErrors USAGE or CONFIG_UNREADABLE (exit 2)
 */
function runImport(call: ImportCall): number {
  const { io, options } = call;
  const [path = ""] = call.args;
  const file = path === "-" ? "stdin" : path;
  const result = importHaproxy({
    file,
    text: readSource(io, path),
    environment: new Map(
      Object.entries(io.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    readSide: sideReader(io, path),
    domain: options.domain,
  });
  if (result.groups.length === 0) throw noRoutes(file, result.notes);
  const yaml = writeYaml(result.imported, file);
  const verification = prove(io, result, yaml, options.verify);
  const config = options.format === "flags" ? writeFlags(result.imported) : yaml;
  if (options.out !== null) writeOut(io, options.out, config);
  print(call, file, result.notes, verification, config);
  return exitCode(result.notes, verification);
}

function exitCode(notes: readonly Note[], verification: Verification | null): number {
  if (verification?.differences.some(({ reason }) => reason === null)) return EXIT.failed;
  return notes.some((note) => note.class === "cannot") ? EXIT.lossy : EXIT.done;
}

function print(
  { io, options: { json, out } }: ImportCall,
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
    return io.readFile(path);
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

function writeOut(io: Io, path: string, text: string): void {
  try {
    io.writeFile(path, text);
  } catch (error) {
    const code = codeOf(error) ?? "it cannot be written";
    // a full disk is no mistake of the command line
    throw new EdgeError(isLoss(code) ? "OUTPUT_FAILED" : "USAGE", `Cannot write ${quote(path)}: ${lossText(code)}`, {
      where: "--out",
    });
  }
}
