/** `npm run package`: what it makes is whole, installs, serves and goes without a trace; the image runs without anything else in it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json";
import { command } from "../../scripts/lab/command.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { ScratchRoot } from "../../scripts/lab/scratch-root.ts";

const ROOT = join(import.meta.dir, "../..");
const VERSION = manifest.version;
const [DEB, RPM] = process.arch === "arm64" ? ["arm64", "aarch64"] : ["amd64", "x86_64"];
const FILES = {
  deb: `edge-lb_${VERSION}_${DEB}.deb`,
  rpm: `edge-lb-${VERSION}-1.${RPM}.rpm`,
  tar: `edge-lb-${VERSION}-linux-${process.arch}.tar.gz`,
  node: `edge-lb-${VERSION}-node.tar.gz`,
  sbom: `edge-lb-${VERSION}.cdx.json`,
} as const;
/** Copying 120 MB a few times takes its time on a busy machine. */
const SLOW_MS = 180_000;

const folder = mkdtempSync(join(tmpdir(), "edge-lb-package-test-"));
const RELEASE = join(folder, "release");

beforeAll(async () => {
  const made = await command([process.execPath, "scripts/package.ts", "--quick", "--no-build", "--out", RELEASE], {
    cwd: ROOT,
    timeoutMs: SLOW_MS,
  });
  expect(made).toMatchObject({ code: 0, err: "" });
}, SLOW_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm run package", () => {
  test("makes deb, rpm, archives, SBOM and Containerfile, and SHA256SUMS names each", async () => {
    expect(readdirSync(RELEASE).toSorted()).toEqual(
      [...Object.values(FILES), "Containerfile", "SHA256SUMS"].toSorted(),
    );
    const { code, out } = await command(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: RELEASE });
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n").length).toBe(Object.keys(FILES).length + 1);
  });

  test("lists in the SBOM what is inside the program, the runtime too, and no tool", () => {
    const { bomFormat, metadata, components } = JSON.parse(readFileSync(join(RELEASE, FILES.sbom), "utf8"));
    expect([bomFormat, metadata.component.name, metadata.component.version]).toEqual(["CycloneDX", "edge-lb", VERSION]);
    const names = components.map(({ name }: { name: string }) => name);
    expect(names).toEqual(expect.arrayContaining(["bun", ...Object.keys(manifest.dependencies)]));
    for (const tool of Object.keys(manifest.devDependencies)) if (tool !== "bun") expect(names).not.toContain(tool);
  });

  test("makes an archive that unpacks to a folder whose program runs", async () => {
    expect((await command(["tar", "-xzf", join(RELEASE, FILES.tar), "-C", folder])).code).toBe(0);
    const inside = join(folder, `edge-lb-${VERSION}-linux-${process.arch}`);
    expect((await command([join(inside, "edge-lb"), "version"])).out).toContain(VERSION);
    for (const file of ["edge-lb.service", "edge-lb.1", "edge-lb.yaml", "completions/_edge-lb", "README.md", "LICENSE"])
      expect(readFileSync(join(inside, file), "utf8")).not.toBe("");
  });

  test("makes an archive for Node", async () => {
    expect((await command(["tar", "-xzf", join(RELEASE, FILES.node), "-C", folder])).code).toBe(0);
    const { out } = await command(["node", join(folder, `edge-lb-${VERSION}-node/edge-lb.mjs`), "version"]);
    expect(out).toContain(VERSION);
  });
});

/** What every package brings; prints nothing unless something is missing. */
const CHECKS = `
[ "$(edge-lb version | grep -c ${VERSION})" = 1 ]
getent passwd edge-lb >/dev/null
systemd-analyze verify --man=no edge-lb.service
MANROFFSEQ= LC_ALL=C.UTF-8 man --warnings -l /usr/share/man/man1/edge-lb.1.gz >/dev/null
edge-lb check -c /usr/share/doc/edge-lb/examples/edge-lb.yaml >/dev/null
bash -n /usr/share/bash-completion/completions/edge-lb
fish --no-execute /usr/share/fish/vendor_completions.d/edge-lb.fish
`;

/** As `dpkg -L`, but what is really there. */
const GONE = `
for path in /usr/bin/edge-lb /usr/lib/systemd/system/edge-lb.service /usr/share/man/man1/edge-lb.1.gz /usr/share/doc/edge-lb; do
  [ ! -e "$path" ] || echo "left: $path"
done`;

describe.if(process.getuid?.() === 0)("a machine", () => {
  let machine: ScratchRoot;
  beforeAll(async () => {
    machine = await ScratchRoot.open();
  });
  afterAll(() => machine?.close());

  test(
    "takes the deb: installed, checked, updated, removed, purged",
    async () => {
      const dpkg = "dpkg --force-unsafe-io --no-triggers";
      const { code, out, err } = await machine.sh(
        `${dpkg} --install ${join(RELEASE, FILES.deb)} | grep "write /etc/edge-lb.yaml"
dpkg --verify edge-lb
zsh -n /usr/share/zsh/vendor-completions/_edge-lb
${CHECKS}
${dpkg} --install ${join(RELEASE, FILES.deb)} >/dev/null
mkdir -p /var/lib/edge-lb
${dpkg} --remove edge-lb >/dev/null
[ -d /var/lib/edge-lb ]
${dpkg} --purge edge-lb >/dev/null
[ ! -e /var/lib/edge-lb ]
${GONE}`,
        { timeoutMs: SLOW_MS },
      );
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/^edge-lb: write \/etc\/edge-lb\.yaml \(.*\), then: systemctl enable --now edge-lb\n$/);
    },
    SLOW_MS,
  );

  test(
    "takes the rpm: installed, checked, removed",
    async () => {
      const rpm = "rpm --dbpath /tmp/rpmdb --nodeps";
      const { code, out, err } = await machine.sh(
        `${rpm} --force-debian --install ${join(RELEASE, FILES.rpm)} 2>/dev/null
${rpm} --verify edge-lb
zsh -n /usr/share/zsh/site-functions/_edge-lb
${CHECKS}
${rpm} --erase edge-lb 2>/dev/null
${GONE}`,
        { timeoutMs: SLOW_MS },
      );
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out).toMatch(/^edge-lb: write \/etc\/edge-lb\.yaml/);
    },
    SLOW_MS,
  );
});

/** The lines of a Containerfile, continued ones joined. */
interface Line {
  readonly word: string;
  readonly rest: string;
}

function linesOf(text: string): readonly Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ word: line.split(" ")[0] ?? "", rest: line.slice(line.indexOf(" ") + 1) }));
}

/** What the image's base has of Debian: the C library and its loader. */
async function copyLibc(root: string): Promise<void> {
  const { out } = await command(["ldd", join(ROOT, "dist/edge-lb")]);
  const paths = [...out.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(1);
  for (const path of paths) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    expect((await command(["cp", "--dereference", path, join(root, path)])).code).toBe(0);
  }
}

describe.if(process.getuid?.() === 0)("the Containerfile", () => {
  const lines = linesOf(readFileSync(join(ROOT, "scripts/package/Containerfile"), "utf8"));
  const last = (word: string): string => lines.findLast((line) => line.word === word)?.rest ?? "";
  let root: string;

  beforeAll(async () => {
    root = join(folder, "image");
    const stage = join(folder, "package");
    for (const path of ["dev", "proc", "tmp", "etc"]) mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, "tmp"), 0o1777);
    await copyLibc(root);
    // the first stage's one step
    const extract = ["dpkg-deb", "--extract", join(RELEASE, FILES.deb), stage];
    expect(last("RUN")).toContain("dpkg-deb --extract /release/edge-lb_*_");
    expect((await command(extract)).code).toBe(0);
    for (const { rest } of lines.filter(({ word }) => word === "COPY")) {
      const [, from = "", to = ""] = /^--from=package \/package(\/\S+) (\/\S+)$/.exec(rest) ?? [];
      mkdirSync(join(root, to, ".."), { recursive: true });
      expect((await command(["cp", "--archive", join(stage, from), join(root, to)])).code).toBe(0);
    }
  }, SLOW_MS);

  /** A command line in the image, as its user and with its environment. */
  const inside = (...argv: readonly string[]): readonly string[] => {
    const mounts = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$@"';
    const chroot = [`--userspec=${last("USER")}`, root, ...argv];
    return [
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "env",
      "-i",
      last("ENV"),
      "sh",
      "-c",
      mounts,
      root,
      ...chroot,
    ];
  };

  test("has only what this test knows to follow", () => {
    const words = ["FROM", "ARG", "RUN", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"];
    expect(words).toEqual(expect.arrayContaining(lines.map(({ word }) => word)));
    expect(last("USER")).not.toMatch(/^(0|root)\b/);
  });

  test("makes an image that serves without root or shell, and is healthy only while it does", async () => {
    const [api, https, http] = await freePorts(3);
    writeFileSync(
      join(root, "etc/edge-lb.yaml"),
      `listen: { api: "127.0.0.1:${api}", https: "127.0.0.1:${https}", http: "127.0.0.1:${http}" }
admin: off
clusters: { hub: { nodes: 127.0.0.2, domain: hub.lab } }
`,
    );
    const health: readonly string[] = JSON.parse(last("HEALTHCHECK").replace(/^.* CMD /, ""));
    expect(await command(inside(...health))).toMatchObject({ code: 1 });
    const entry: readonly string[] = JSON.parse(last("ENTRYPOINT"));
    const edge = Bun.spawn([...inside(...entry, ...JSON.parse(last("CMD")))], { stdout: "pipe", stderr: "pipe" });
    try {
      const { value } = await edge.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toStartWith("edge-lb ready engine=linux ");
      expect(await command(inside(...health))).toMatchObject({ code: 0 });
      const { out } = await command(["curl", "--silent", "--header", "Host: nobody.lab", `http://127.0.0.1:${http}/`]);
      expect(out).toContain("nobody.lab");
    } finally {
      // the child of unshare, which its end does not end: it became another user
      const [child] = readFileSync(`/proc/${edge.pid}/task/${edge.pid}/children`, "utf8").split(" ");
      process.kill(Number(child), "SIGKILL");
      await edge.exited;
    }
    expect(existsSync(join(root, "bin/sh"))).toBe(false);
  });
});
