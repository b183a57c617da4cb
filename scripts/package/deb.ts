/** A package for Debian and Ubuntu, by dpkg-deb. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { layOut, put, type Texts } from "./contents.ts";
import { DEB_HOOKS } from "./hooks.ts";
import { NAME, PACKAGE_VERSION, type Release, SUMMARY } from "./release.ts";
import { textOf } from "./run.ts";

/** @returns the package's file name */
export function makeDeb(release: Release, arch: string, program: string, texts: Texts): string {
  const root = join(release.scratch, `deb-${arch}`);
  const paths = layOut(root, program, texts, {
    zsh: "/usr/share/zsh/vendor-completions/_edge-lb",
    licence: "/usr/share/doc/edge-lb/copyright",
  });
  put(join(root, "DEBIAN/control"), control(arch, sizeOf(root, paths)));
  for (const [name, text] of Object.entries(DEB_HOOKS)) put(join(root, "DEBIAN", name), text, 0o755);
  put(join(root, "DEBIAN/md5sums"), paths.map((path) => `${md5(join(root, path))}  ${path.slice(1)}\n`).join(""));
  const file = `${NAME}_${PACKAGE_VERSION}_${arch}.deb`;
  // xz, which every dpkg reads; zstd is quick, and older ones do not know it
  const compression = release.isQuick ? ["-Zzstd", "-z1"] : ["-Zxz", "-z6"];
  textOf(["dpkg-deb", "--root-owner-group", ...compression, "--build", root, join(release.out, file)]);
  return file;
}

function control(arch: string, kilobytes: number): string {
  return `Package: ${NAME}
Version: ${PACKAGE_VERSION}
Architecture: ${arch}
Maintainer: The edge-lb authors <edge-lb@localhost>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.17), passwd
Section: net
Priority: optional
Description: ${SUMMARY}
 edge-lb accepts connections on the ports of a Kubernetes API and of an ingress and
 hands each to the cluster it is meant for, by the server name of the TLS hello or by
 the Host of an HTTP request. It terminates no TLS.
`;
}

function sizeOf(root: string, paths: readonly string[]): number {
  return Math.ceil(paths.reduce((sum, path) => sum + Bun.file(join(root, path)).size, 0) / 1_024);
}

function md5(path: string): string {
  return new Bun.CryptoHasher("md5").update(readFileSync(path)).digest("hex");
}
