/** Programs that tests drive, as `scripts/programs.json` lists them. */
import { existsSync } from "node:fs";
import TABLE from "../programs.json";

interface Entry {
  readonly program: string;
  /** Other names of the same; the first that is there counts. */
  readonly or?: readonly string[];
  readonly package: string;
}

/** Debian keeps servers in sbin, which a user's PATH need not name. */
export const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/**
 * Where a program is.
 * @throws Error without a stack, one line with what to type, when it is not installed
 */
export function program(name: string, path = PATH): string {
  if (name.includes("/")) return name;
  const { or = [] } = entries().find((entry) => entry.program === name) ?? {};
  for (const one of [name, ...or]) {
    const found = Bun.which(one, { PATH: path });
    if (found !== null) return found;
  }
  throw missing(name);
}

/** Names what else is missing too, so that one line mends every test. */
function missing(name: string): Error {
  const packages = new Set(
    entries()
      .filter(isMissing)
      .map((entry) => entry.package),
  );
  const known = entries().some((entry) => entry.program === name);
  const hint = known ? `sudo apt-get install --yes --no-install-recommends ${[...packages].join(" ")}` : "install it";
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0; // the reader wants the line, not where a test asked for the program
  try {
    return new Error(`Cannot run ${name}: it is not installed; ${hint}`);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function entries(): readonly Entry[] {
  return TABLE;
}

function isMissing({ program: name, or = [] }: Entry): boolean {
  return ![name, ...or].some((one) => (one.startsWith("/") ? existsSync(one) : Bun.which(one, { PATH }) !== null));
}
