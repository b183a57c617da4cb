/** `edge-lb import FILE|-`: from an haproxy.cfg to YAML or flags, with a report and, if asked, a proof. */
import { basename, dirname, join, resolve } from "node:path";
import { loadConfig } from "../../config/load.ts";
import { readDomain } from "../../config/values/names.ts";
import { fit, quote, type Reading } from "../../config/values/text.ts";
import { choice } from "../../config/values/values.ts";
import { codeOf, EdgeError } from "../../errors.ts";
import { importHaproxy } from "../../migrate/import.ts";
import type { ImportResult } from "../../migrate/plan/plan.ts";
import type { GivenDomain } from "../../migrate/plan/groups.ts";
import { whyNothing } from "../../migrate/report/nothing.ts";
import { reportJson, reportText, type Report } from "../../migrate/report/text.ts";
import { verifyImport, type Verification } from "../../migrate/verify/verify.ts";
import { writeFlags, writeYaml } from "../../migrate/write.ts";
import { argument, command, type Call } from "../line/command.ts";
import { anyText, oneWord, several, single, toggle } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { machineOf, type Io } from "../terminal/io.ts";
import { isLogRead } from "./import-log.ts";
import { fileFault } from "../../config/file-fault.ts";
import { isLoss, lossText } from "../terminal/output.ts";

export const IMPORT = command({
  name: "import",
  help: "Turn a haproxy.cfg into YAML or flags, with a report on every line",
  args: [argument("FILE|-", "file")],
  options: {
    format: oneWord(choice("yaml", "flags"), "What to write (yaml)"),
    out: single("FILE", "Write it there, and the report to stdout", anyText),
    force: toggle("Write over a file that is there"),
    domain: several(
      "[CLUSTER=]DOMAIN",
      "For a cluster whose names the source does not tell: api.DOMAIN and *.apps.DOMAIN are its own",
      readGivenDomain,
    ),
    verify: toggle("Ask both for every name of the source and what lies beside it, print the differences"),
    verbose: toggle("Report also what was carried over and what is not needed"),
    "keep-log": toggle("Take over where the source logs to, though nothing reads it on this machine"),
    json: toggle("Report as JSON"),
  },
  synonyms: ["convert", "migrate"],
  run: runImport,
});

function readGivenDomain(text: string): Reading<GivenDomain> {
  const at = text.indexOf("=");
  const domain = readDomain(text.slice(at + 1));
  return domain.ok ? fit({ cluster: at < 0 ? null : text.slice(0, at), domain: domain.value }) : domain;
}

type ImportCall = Pick<Call, "args" | "io"> & {
  readonly options: {
    /** Null: yaml. */
    readonly format: "yaml" | "flags" | null;
    /** Where the configuration goes; null: stdout. */
    readonly out: string | null;
    readonly force: boolean;
    readonly domain: readonly GivenDomain[];
    readonly verify: boolean;
    readonly verbose: boolean;
    readonly "keep-log": boolean;
    /** Report as JSON on stdout, the configuration in it unless it goes to a file. */
    readonly json: boolean;
  };
};

/**
 * The configuration on stdout or in a file; the report on stderr, or on stdout when the configuration is in a file.
 * @returns 0 the same, 1 a difference that nothing explains, 3 differences that are explained, or something cannot be carried over
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
    domains: options.domain,
    isRead: (target) => options["keep-log"] || isLogRead(io, target),
  });
  if (result.groups.length === 0) throw nothing(file, result);
  const yaml = writeYaml(result.imported, file);
  const verification = prove(io, result, yaml);
  const config = options.format === "flags" ? writeFlags(result.imported) : yaml;
  if (options.out !== null) writeOut(io, options.out, config, { source: path, force: options.force });
  // what nothing explains is told unasked
  const isProofTold = options.verify || verification.differences.some(({ reason }) => reason === null);
  print(call, { file, result, verification, isProofTold, out: options.out }, config);
  return exitCode(result, verification, options.verify);
}

/**
 * 0 the same, 3 differs and says why, 1 differs and nothing says why. What edge-lb serves beyond the source is a difference
 * for whoever asks for the proof; a name that is led elsewhere always is one.
 */
function exitCode(
  { notes, unusedDomains }: ImportResult,
  { differences }: Verification,
  isProofAsked: boolean,
): number {
  if (differences.some(({ reason }) => reason === null)) return EXIT.failed;
  const counted = differences.filter(({ isMore }) => isProofAsked || !isMore);
  const isLossy = counted.length + unusedDomains.length > 0 || notes.some((note) => note.class === "cannot");
  return isLossy ? EXIT.lossy : EXIT.done;
}

function print({ io, options: { json, out, verbose } }: ImportCall, report: Report, config: string): void {
  if (json) return io.out(reportJson(report, out === null ? config : null));
  const text = reportText(report, { verbose });
  if (out === null) io.out(config);
  if (out === null) io.err(text);
  else io.out(text);
}

/** What was written is read back by edge-lb's own reader, and asked for all names. */
function prove(io: Io, result: ImportResult, yaml: string): Verification {
  const name = "the imported configuration";
  const config = loadConfig({
    flags: [{ flag: "config", text: name }],
    readFile: () => yaml,
    // a node that is edge-lb itself is told in the report
    machine: { ...machineOf(io), env: {}, addresses: null },
  });
  return verifyImport(result, config);
}

/** Nothing to serve is no configuration. */
function nothing(file: string, result: ImportResult): EdgeError {
  return new EdgeError("CONFIG_UNREADABLE", `Cannot import: nothing to import: ${whyNothing(result)}`, { where: file });
}

function readSource(io: Io, path: string): string {
  try {
    return io.readFile(path);
  } catch (error) {
    throw new EdgeError("CONFIG_UNREADABLE", `Cannot read ${quote(path)}: ${fileFault(error)}`, { where: path });
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

/** @throws EdgeError where it is the source itself, or a file that is not to be lost */
function writeOut(io: Io, path: string, text: string, { source, force }: { source: string; force: boolean }): void {
  if (resolve(path) === resolve(source)) {
    const hint = "give it another name, such as edge-lb.yaml";
    throw new EdgeError("USAGE", `Cannot write ${quote(path)}: it is the file that is imported`, {
      where: "--out",
      hint,
    });
  }
  if (!force && isThere(io, path)) {
    const hint = "add --force to write over it";
    throw new EdgeError("USAGE", `Cannot write ${quote(path)}: there is a file already`, { where: "--out", hint });
  }
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

/** What cannot be looked at is for the writing to say; a device such as /dev/stdout is no file to lose. */
function isThere(io: Io, path: string): boolean {
  if (path.startsWith("/dev/")) return false;
  try {
    return io.readFile(path) !== "";
  } catch {
    return false;
  }
}
