/** An archive for everything else: one folder, to be put where its owner likes. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { layOutFolder, put, type Texts } from "./contents.ts";
import { NAME, type Release, VERSION } from "./release.ts";
import { textOf } from "./run.ts";

/** @returns the archive's file name */
export async function makeTarball(release: Release, platform: string, program: string, texts: Texts): Promise<string> {
  const folder = `${NAME}-${VERSION}-${platform}`;
  layOutFolder(join(release.scratch, folder), program, texts);
  return packed(release, folder);
}

/** The program for plain Node and Deno; its worker has to lie beside it. */
export async function makeBundle(release: Release, dist: string, texts: Texts): Promise<string> {
  const folder = `${NAME}-${VERSION}-node`;
  const inside = join(release.scratch, folder);
  mkdirSync(join(inside, "data"), { recursive: true });
  for (const file of ["edge-lb.mjs", "data/worker.js"]) copyFileSync(join(dist, file), join(inside, file));
  put(join(inside, "README.md"), texts.readme);
  put(join(inside, "LICENSE"), texts.licence);
  return packed(release, folder);
}

async function packed({ scratch, out, time, isQuick }: Release, folder: string): Promise<string> {
  const archive = join(scratch, `${folder}.tar`);
  const same = ["--sort=name", `--mtime=@${time}`, "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"];
  textOf(["tar", "--create", ...same, "--file", archive, "--directory", scratch, folder]);
  const file = `${folder}.tar.gz`;
  await Bun.write(join(out, file), gzipSync(await Bun.file(archive).bytes(), { level: isQuick ? 1 : 9 }));
  return file;
}
