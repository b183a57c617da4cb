/** The built executable with another version in it: a newer build that can be told apart, without building one. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import manifest from "../../package.json" with { type: "json" };

const BUILT = new URL("../../dist/edge-lb", import.meta.url).pathname;

/** @param release As long as the version that is replaced. @throws Error when nothing is built, or the version is not in it */
export function otherBuild(path: string, release: string): string {
  const { version } = manifest;
  if (release.length !== version.length) throw new Error(`Cannot build ${release}: as long as ${version} wanted`);
  const bytes = readFileSync(BUILT);
  let found = 0;
  for (let at = bytes.indexOf(version); at >= 0; at = bytes.indexOf(version, at + 1)) {
    bytes.write(release, at, "latin1");
    found++;
  }
  if (found === 0) throw new Error(`Cannot build ${release}: ${version} is not in ${BUILT}`);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}
