/** `test/fixtures/haproxy/cases`: minimal files of shapes that were found in real ones, each with what has to come of it. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ServiceName } from "../../src/seam/services.ts";
import { FOLDER } from "./fixtures.ts";

export const CASES_FOLDER = join(FOLDER, "cases");

/** `SERVICE[@FRONTEND] NAME|-: NODES|refused|TLS ends [-> NODES|refused (CODE)]`. */
export interface Question {
  readonly service: ServiceName;
  /** Null: the service's only one. */
  readonly frontend: string | null;
  /** Null: none. */
  readonly name: string | null;
  /** Where HAProxy leads it. */
  readonly source: string;
  /** Where edge-lb leads it. */
  readonly edge: string;
  /** The code of the note that explains a difference; null: there is none. */
  readonly reason: string | null;
}

export interface Case {
  readonly name: string;
  readonly text: string;
  /** Of `import --verify`. */
  readonly exit: number;
  readonly clusters: readonly string[];
  readonly questions: readonly Question[];
}

export const CASES: readonly Case[] = readdirSync(CASES_FOLDER)
  .filter((file) => file.endsWith(".cfg"))
  .sort()
  .map(readCase);

/** A map beside the cases; null where there is none. */
export function readBesideCases(path: string): string | null {
  try {
    return readFileSync(join(CASES_FOLDER, basename(path)), "utf8");
  } catch {
    return null;
  }
}

function readCase(file: string): Case {
  const name = basename(file, ".cfg");
  const lines = readFileSync(join(CASES_FOLDER, `${name}.expected`), "utf8")
    .trim()
    .split("\n");
  const word = (key: string): string => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1) ?? "";
  return {
    name,
    text: readFileSync(join(CASES_FOLDER, file), "utf8"),
    exit: Number(word("exit")),
    clusters: word("clusters")
      .split(" ")
      .filter((cluster) => cluster !== ""),
    questions: lines.filter((line) => !/^(exit|clusters) /.test(line)).map(readQuestion),
  };
}

function readQuestion(line: string): Question {
  const [, service, frontend = null, name, source = "", edge, reason = null] =
    /^([a-z0-9-]+)(?:@(\S+))? (\S+): (.*?)(?: -> (.*) \((\S+)\))?$/.exec(line) ?? [];
  if (service === undefined) throw new Error(line);
  return { service, frontend, name: name === "-" ? null : (name ?? null), source, edge: edge ?? source, reason };
}
