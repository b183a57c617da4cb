/**
 * Writes the walls between rooms into .oxlintrc.json, from the two tables of ARCHITECTURE.md; oxlint then holds them.
 * `--check` writes nothing and ends with 1 when the linter's walls are not the tables', or a folder of src/ has no row.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const RULE = "no-restricted-imports";
/** Word of the tables for everything that is no path: packages and the runtime's own modules. */
const PACKAGES = "packages";
const NO_PATH = "^[^.]";

/** One row: what the files of a folder, or one file, may import beside their own folder. */
export interface Room {
  /** Below src/: `core`, `control/api`, `data/worker.ts`. */
  readonly path: string;
  /** Rooms, folders beside this one, and files; the word `packages` stands for all of them and for the runtime's modules. */
  readonly imports: readonly string[];
  /** The same, but for their types only. */
  readonly types: readonly string[];
}

/** `group` is written as in .gitignore, `regex` without look-around; a group's exception overrules the patterns after it. */
interface Pattern {
  readonly group?: readonly string[];
  readonly regex?: string;
  readonly allowTypeImports?: true;
  readonly message: string;
}

export interface Wall {
  readonly files: readonly string[];
  readonly rules: { readonly [RULE]: readonly ["error", { readonly patterns: readonly Pattern[] }] };
}

/** The rows whose first cell is a path below src/; a folder within a room also gets what its room has. */
export function readRooms(architecture: string): readonly Room[] {
  const rows = architecture.split("\n").flatMap((line): Room[] => {
    const [path, , imports = "", types = ""] = line
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    const name = /^`src\/([^`]+)`$/.exec(path ?? "")?.[1];
    return name === undefined ? [] : [{ path: name, imports: wordsOf(imports), types: wordsOf(types) }];
  });
  return rows.map((row) => {
    const room = isInner(row) ? rows.find(({ path }) => row.path.startsWith(`${path}/`)) : undefined;
    if (room === undefined) return row;
    return { path: row.path, imports: [...room.imports, ...row.imports], types: [...room.types, ...row.types] };
  });
}

function wordsOf(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, word]) => word ?? []);
}

/** A folder within a room, as `control/serve`. */
function isInner({ path }: Room): boolean {
  return path.includes("/") && !path.endsWith(".ts");
}

/** What oxlint is told, room by room; `main.ts` alone may import everything. */
export function wallsOf(rooms: readonly Room[]): readonly Wall[] {
  const tops = new Set(rooms.map(({ path }) => path.split("/")[0] ?? ""));
  return rooms.flatMap((room) => {
    if (room.path.endsWith(".ts")) return room.path === "main.ts" ? [] : [wallOf(room, `src/${room.path}`, tops)];
    const own = wallOf(room, `src/${room.path}/*.ts`, tops);
    const isDivided = isInner(room) || rooms.some((row) => isInner(row) && row.path.startsWith(`${room.path}/`));
    return isDivided ? [own] : [own, wallOf(room, `src/${room.path}/*/*.ts`, tops)];
  });
}

function wallOf(room: Room, files: string, tops: ReadonlySet<string>): Wall {
  const { path, imports, types } = room;
  const up = "../".repeat(files.split("/").length - 2);
  const place = (word: string): string => {
    if (word === "package.json") return `${up}../${word}`;
    const isBeside = isInner(room) && !tops.has(word.split("/")[0] ?? "");
    return `${isBeside ? "../" : up}${word}${word.includes(".") ? "" : "/"}`;
  };
  const message = `src/${path} imports ${list(imports)}${types.length > 0 ? `, and types of ${list(types)}` : ""}: ARCHITECTURE.md`;
  const patterns: Pattern[] = types.map((word) => ({
    regex: word === PACKAGES ? NO_PATH : `^${place(word).replaceAll(".", "\\.")}`,
    allowTypeImports: true,
    message,
  }));
  if (![...imports, ...types].includes(PACKAGES)) patterns.push({ regex: NO_PATH, message });
  const allowed = [...imports, ...types].filter((word) => word !== PACKAGES).map((word) => place(word));
  const group = [`${isInner(room) ? "../" : up}**`, ...allowed.map((at) => `!${at}${at.endsWith("/") ? "**" : ""}`)];
  return { files: [files], rules: { [RULE]: ["error", { patterns: [...patterns, { group, message }] }] } };
}

function list(words: readonly string[]): string {
  return words.length === 0 ? "nothing" : words.join(", ");
}

interface LintConfig {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: Readonly<Record<string, unknown>>;
  }[];
}

/** The linter's configuration with these walls of src/ in front of its other overrides. */
function withWalls(config: LintConfig, walls: readonly Wall[]): LintConfig {
  const others = config.overrides.filter(({ files, rules }) => !(RULE in rules && files[0]?.startsWith("src/")));
  return { ...config, overrides: [...walls, ...others] };
}

/** Folders of src/, and of its rooms that are divided, without a row. */
export function roomless(rooms: readonly Room[], folders: readonly string[]): readonly string[] {
  const paths = new Set(rooms.map(({ path }) => path));
  const divided = new Set(rooms.filter(isInner).map(({ path }) => path.split("/")[0] ?? ""));
  return folders.filter((path) => !paths.has(path) && (!path.includes("/") || divided.has(path.split("/")[0] ?? "")));
}

if (import.meta.main) {
  const place = (path: string): string => new URL(`../${path}`, import.meta.url).pathname;
  const rooms = readRooms(readFileSync(place(".github/ARCHITECTURE.md"), "utf8"));
  const folders = readdirSync(place("src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.replace(place("src/"), ""));
  for (const path of roomless(rooms, folders)) {
    console.error(`ARCHITECTURE.md: src/${path} has no row in its tables`);
    process.exitCode = 1;
  }
  const now = JSON.parse(readFileSync(place(".oxlintrc.json"), "utf8")) as LintConfig;
  const wanted = withWalls(now, wallsOf(rooms));
  if (!process.argv.includes("--check")) {
    writeFileSync(place(".oxlintrc.json"), `${JSON.stringify(wanted, null, 2)}\n`);
  } else if (JSON.stringify(now) !== JSON.stringify(wanted)) {
    console.error(".oxlintrc.json: its walls are not those of ARCHITECTURE.md; run: bun scripts/walls.ts && oxfmt");
    process.exitCode = 1;
  }
}
