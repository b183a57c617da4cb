/**
 * Packages what scripts/build.ts builds: dist/release/ with deb, rpm, tar.gz, SBOM, Containerfile and SHA256SUMS.
 *
 *   npm run package [-- --all] [--out FOLDER] [--quick] [--no-build]
 *
 * For this host, with `--all` for every platform. `--quick` compresses little; `--no-build` takes what is in dist/. FOLDER is
 * new or empty; dist/release/ is emptied.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Texts, textsOf } from "./package/contents.ts";
import { makeDeb } from "./package/deb.ts";
import type { Release } from "./package/release.ts";
import { makeRpm } from "./package/rpm.ts";
import { textOf } from "./package/run.ts";
import { makeSbom } from "./package/sbom.ts";
import { makeBundle, makeTarball } from "./package/tarball.ts";
import { hostPlatform, type Platform, PLATFORMS } from "./platforms.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const DIST = join(ROOT, "dist");
const RELEASE = join(DIST, "release");

interface Wish {
  readonly all: boolean;
  readonly quick: boolean;
  readonly build: boolean;
  readonly out: string;
}

function readWish(args: readonly string[]): Wish {
  const flag = { type: "boolean", default: false } as const;
  const out = { type: "string", default: RELEASE } as const;
  const { values } = parseArgs({ args: [...args], options: { all: flag, quick: flag, "no-build": flag, out } });
  return { all: values.all, quick: values.quick, build: !values["no-build"], out: resolve(values.out) };
}

/** The time of the last commit, or what SOURCE_DATE_EPOCH says; without either, now. */
function timeOfSources(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  try {
    return Number(textOf(["git", "log", "-1", "--format=%ct"], { cwd: ROOT }));
  } catch {
    return Math.floor(Date.now() / 1_000); // sources without their history
  }
}

/** All packages of one platform. */
async function packagesOf(platform: Platform, program: string, release: Release, texts: Texts): Promise<string[]> {
  const { name, deb, rpm } = platform;
  const files = [await makeTarball(release, name, program, texts)];
  if (deb !== null) files.push(makeDeb(release, deb, program, texts));
  if (rpm !== null) files.push(makeRpm(release, rpm, program, texts));
  return files;
}

/** Says each file as it is there: the large ones take a while. */
async function fill(release: Release, wish: Wish): Promise<void> {
  const texts = textsOf(join(DIST, "edge-lb"));
  const files: string[] = [];
  const add = (...more: readonly string[]): void => {
    files.push(...more);
    for (const file of more)
      console.log(`${relative(ROOT, join(release.out, file))}  ${megabytes(join(release.out, file))}`);
  };
  if (wish.all)
    for (const platform of PLATFORMS)
      add(...(await packagesOf(platform, join(DIST, `edge-lb-${platform.name}`), release, texts)));
  else add(...(await packagesOf(hostPlatform(), join(DIST, "edge-lb"), release, texts)));
  add(await makeBundle(release, DIST, texts), await makeSbom(release));
  copyFileSync(join(ROOT, "scripts/package/Containerfile"), join(release.out, "Containerfile"));
  add("Containerfile");
  const sums = files.toSorted().map((file) => `${sha256(join(release.out, file))}  ${file}\n`);
  writeFileSync(join(release.out, "SHA256SUMS"), sums.join(""));
  console.log(relative(ROOT, join(release.out, "SHA256SUMS")));
}

/** Nothing of another version may lie beside what SHA256SUMS names. */
function prepare(out: string): void {
  if (out === RELEASE) rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  if (readdirSync(out).length > 0) throw new Error(`Cannot package to ${out}: a new or empty folder wanted`);
}

function megabytes(path: string): string {
  return `${(Bun.file(path).size / 1e6).toFixed(1)} MB`;
}

function sha256(path: string): string {
  return new Bun.CryptoHasher("sha256").update(readFileSync(path)).digest("hex");
}

async function main(args: readonly string[]): Promise<void> {
  const wish = readWish(args);
  const build = [process.execPath, join(ROOT, "scripts/build.ts"), ...(wish.all ? ["--all"] : [])] as const;
  if (wish.build) console.log(textOf([...build]).trimEnd());
  const time = timeOfSources();
  process.env["SOURCE_DATE_EPOCH"] = String(time); // for dpkg-deb and rpmbuild
  prepare(wish.out);
  const scratch = mkdtempSync(join(DIST, ".package-")); // on the same disk, for links
  try {
    await fill({ out: wish.out, scratch, time, isQuick: wish.quick }, wish);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
