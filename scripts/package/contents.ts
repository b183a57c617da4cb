/** What is in a package: the program, and what it says of itself for systemd, man and shells. */
import { chmodSync, linkSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { UNIT_NAME, unitText } from "../../src/install/unit.ts";
import { textOf } from "./run.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Texts that come along with the program; the same on every platform. */
export interface Texts {
  readonly man: string;
  readonly example: string;
  readonly bash: string;
  readonly zsh: string;
  readonly fish: string;
  readonly readme: string;
  readonly changelog: string;
  readonly licence: string;
}

/** @param program An edge-lb that runs here. */
export function textsOf(program: string): Texts {
  const file = (name: string): string => readFileSync(join(ROOT, name), "utf8");
  return {
    man: textOf([program, "man"]),
    example: textOf([program, "config", "example"]),
    bash: textOf([program, "completion", "bash"]),
    zsh: textOf([program, "completion", "zsh"]),
    fish: textOf([program, "completion", "fish"]),
    readme: file("README.md"),
    changelog: file("CHANGELOG.md"),
    licence: file("LICENSE"),
  };
}

const UNIT = unitText({ binary: "/usr/bin/edge-lb", config: "/etc/edge-lb.yaml" });

/** Where Debian and Red Hat put the same file. */
export interface Places {
  readonly zsh: string;
  readonly licence: string;
}

/**
 * Lays out what is below `/` on a machine that has the package.
 * @returns the paths, all of them absolute there
 */
export function layOut(root: string, program: string, texts: Texts, places: Places): readonly string[] {
  const doc = "/usr/share/doc/edge-lb";
  const files: readonly (readonly [string, string | Uint8Array])[] = [
    [`/usr/lib/systemd/system/${UNIT_NAME}`, UNIT],
    ["/usr/share/man/man1/edge-lb.1.gz", zipped(texts.man)],
    ["/usr/share/bash-completion/completions/edge-lb", texts.bash],
    [places.zsh, texts.zsh],
    ["/usr/share/fish/vendor_completions.d/edge-lb.fish", texts.fish],
    [`${doc}/README.md`, texts.readme],
    [`${doc}/changelog.gz`, zipped(texts.changelog)],
    [`${doc}/examples/edge-lb.yaml`, texts.example],
    [places.licence, texts.licence],
  ];
  for (const [path, text] of files) put(join(root, path), text);
  putProgram(join(root, "/usr/bin/edge-lb"), program);
  return ["/usr/bin/edge-lb", ...files.map(([path]) => path)];
}

/** Lays out the folder that a tar.gz unpacks to. */
export function layOutFolder(folder: string, program: string, texts: Texts): void {
  const files: readonly (readonly [string, string])[] = [
    [UNIT_NAME, UNIT],
    ["edge-lb.1", texts.man],
    ["edge-lb.yaml", texts.example],
    ["completions/edge-lb.bash", texts.bash],
    ["completions/_edge-lb", texts.zsh],
    ["completions/edge-lb.fish", texts.fish],
    ["README.md", texts.readme],
    ["CHANGELOG.md", texts.changelog],
    ["LICENSE", texts.licence],
  ];
  for (const [path, text] of files) put(join(folder, path), text);
  putProgram(join(folder, "edge-lb"), program);
}

export function put(path: string, text: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, text);
  chmodSync(path, mode); // whatever the umask is
}

function putProgram(path: string, program: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  chmodSync(program, 0o755);
  linkSync(program, path); // 120 MB that nobody changes
}

/** As `gzip -9n`: without a name or a time in it. */
function zipped(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}
