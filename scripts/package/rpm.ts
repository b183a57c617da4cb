/** A package for Red Hat, Fedora and SUSE, by rpmbuild; it is built on Debian too. */
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { layOut, put, type Texts } from "./contents.ts";
import { RPM_HOOKS } from "./hooks.ts";
import { NAME, PACKAGE_VERSION, type Release, SUMMARY } from "./release.ts";
import { textOf } from "./run.ts";

/** @returns the package's file name */
export function makeRpm(release: Release, arch: string, program: string, texts: Texts): string {
  const folder = join(release.scratch, `rpm-${arch}`);
  const root = join(folder, "root");
  const paths = layOut(root, program, texts, {
    zsh: "/usr/share/zsh/site-functions/_edge-lb",
    licence: "/usr/share/licenses/edge-lb/LICENSE",
  });
  const spec = join(folder, "edge-lb.spec");
  put(spec, specOf(root, paths, release));
  const defines = [`_topdir ${folder}/build`, `_build_id_links none`, "_buildhost localhost"];
  textOf(["rpmbuild", "-bb", "--target", `${arch}-linux`, ...defines.flatMap((define) => ["--define", define]), spec]);
  const file = `${NAME}-${PACKAGE_VERSION}-1.${arch}.rpm`;
  copyFileSync(join(folder, "build/RPMS", arch, file), join(release.out, file));
  return file;
}

/** The program is whole: nothing is compiled, stripped or searched for what it needs. */
function specOf(root: string, paths: readonly string[], { isQuick }: Release): string {
  const hooks = Object.entries(RPM_HOOKS).map(([name, text]) => `%${name}\n${text}\n`);
  return `%global debug_package %{nil}
%global __os_install_post %{nil}
%global _binary_payload ${isQuick ? "w1.zstdio" : "w19.zstdio"}
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1

Name: ${NAME}
Version: ${PACKAGE_VERSION}
Release: 1
Summary: ${SUMMARY}
License: ${manifest.license}
Group: System Environment/Daemons
AutoReqProv: no
Requires: glibc >= 2.17
Requires(pre): shadow-utils

%description
edge-lb accepts connections on the ports of a Kubernetes API and of an ingress and
hands each to the cluster it is meant for, by the server name of the TLS hello or by
the Host of an HTTP request. It terminates no TLS.

%install
mkdir -p %{buildroot}
cp -al ${root}/. %{buildroot}

${hooks.join("\n")}
%files
%defattr(-,root,root,-)
${paths.map(fileLine).join("\n")}
`;
}

function fileLine(path: string): string {
  if (path.startsWith("/usr/share/doc/")) return `%doc ${path}`;
  return path.startsWith("/usr/share/licenses/") ? `%license ${path}` : path;
}
