/** `npm test` sets itself up: what tests drive is looked for, installed where that may be, and told in one line where it may not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../../scripts/lab/command.ts";
import { program } from "../../scripts/lab/programs.ts";
import TABLE from "../../scripts/programs.json";

const ROOT = join(import.meta.dir, "../..");
const SCRIPT = join(ROOT, "scripts/programs.mjs");
const NODE = program("node");
const LINE = /^  sudo apt-get install --yes --no-install-recommends .*\bkubernetes-client\b/m;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-programs-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A machine's PATH: Node, and programs that write down how they were called. */
function machine(name: string, programs: Readonly<Record<string, string>>): { path: string; calls: () => string } {
  const [path, log] = [join(folder, name), join(folder, `${name}.log`)];
  mkdirSync(path);
  symlinkSync(NODE, join(path, "node"));
  for (const [file, says] of Object.entries(programs)) {
    writeFileSync(join(path, file), `#!/bin/sh\necho "${file} $*" >>${log}\n${says}\n`);
    chmodSync(join(path, file), 0o755);
  }
  return { path, calls: () => (existsSync(log) ? readFileSync(log, "utf8") : "") };
}

const look = (path: string, env: Readonly<Record<string, string>> = {}) =>
  command([NODE, SCRIPT], { env: { PATH: path, EDGE_LB_TEST_INSTALL: "yes", ...env } });

describe("npm test", () => {
  test("says nothing where everything is there", async () => {
    const all = Object.fromEntries(
      TABLE.map((entry) => [entry.program, ""]).filter(([name]) => !name?.startsWith("/")),
    );
    const { path, calls } = machine("whole", { ...all, "apt-get": "", sudo: "" });
    const { code, err } = await look(path);
    const stream = existsSync("/usr/lib/nginx/modules/ngx_stream_module.so");
    expect([code, err !== ""]).toEqual([0, !stream]);
    if (stream) expect(calls()).toBe("");
  });

  test("installs all that is missing with one apt-get install, and says what and why in one line", async () => {
    const { path, calls } = machine("bare", {
      "apt-get": "",
      "apt-cache": "echo Candidate: 1",
      env: "",
      sudo: 'shift; exec "$@"',
    });
    const { code, err } = await look(path);
    expect(code).toBe(0);
    expect(err.split("\n")[0]).toMatch(/^npm test: installing what its tests drive and this machine lacks: .*kubectl/);
    const installs = calls()
      .split("\n")
      .filter((line) => line.startsWith("env "));
    expect(installs.length).toBeGreaterThan(0);
    expect(calls().match(/apt-get -qq -o DPkg::Lock::Timeout=\d+ install/g)?.length).toBe(1);
    expect(calls()).toMatch(/exit 0\n sh .*\bcurl\b.*\bkubernetes-client\b/);
  });

  test("installs what the distribution has, and prints the line for the rest", async () => {
    const without = 'case "$*" in *kubernetes-client*) echo "Candidate: (none)";; *) echo "Candidate: 1";; esac';
    const { path, calls } = machine("other", {
      "apt-get": "",
      "apt-cache": without,
      env: "",
      sudo: 'shift; exec "$@"',
    });
    const { err } = await look(path);
    expect(calls()).toContain(" curl ");
    expect(calls()).not.toMatch(/exit 0\n sh .*kubernetes-client/);
    expect(err).toMatch(LINE);
  });

  test.each([
    ["it is told not to", { "apt-get": "", sudo: "" }, { EDGE_LB_TEST_INSTALL: "no" }],
    ["there is no apt-get", { sudo: "" }, {}],
  ])("installs nothing where %s, and prints the one line to type", async (name, programs, env) => {
    const { path, calls } = machine(name.replaceAll(" ", "-"), programs);
    const { code, err } = await look(path, env);
    expect([code, calls()]).toEqual([0, ""]);
    expect(err).toMatch(/^npm test: the tests that drive .*kubectl.* will fail; to install what they need:$/m);
    expect(err).toMatch(LINE);
    expect(err.trimEnd().split("\n").length).toBe(2);
  });

  test.if(process.getuid?.() === 0)("installs nothing where sudo asks for a password", async () => {
    const { path, calls } = machine("asking", { "apt-get": "", sudo: "exit 1" });
    // the sources may lie where only root can read
    for (const file of ["programs.mjs", "programs.json"]) copyFileSync(join(ROOT, "scripts", file), join(path, file));
    for (const file of [folder, path]) chmodSync(file, 0o777);
    const nobody = [program("setpriv"), "--reuid=65534", "--clear-groups", NODE, join(path, "programs.mjs")];
    const { err } = await command(nobody, { env: { PATH: path } });
    expect(calls()).toBe("apt-get --version\nsudo -n true\n");
    expect(err).toMatch(LINE);
  });
});

describe("program()", () => {
  test("finds what stands in a folder of sbin, and leaves a path alone", () => {
    expect(program("sh")).toMatch(/^\/.*\/sh$/);
    expect(program("./here")).toBe("./here");
  });

  test("fails a test that needs a missing program with the line to type, without a stack", async () => {
    const file = join(folder, "missing.test.ts");
    const lab = JSON.stringify(join(ROOT, "scripts/lab/command.ts"));
    const body = `await command(["kubectl", "version"]);`;
    writeFileSync(
      file,
      `import { test } from "bun:test";\nimport { command } from ${lab};\ntest("asks", async () => { ${body} });\n`,
    );
    const { path } = machine("missing", {});
    const { err } = await command([process.execPath, "test", file], { cwd: folder, env: { PATH: path } });
    expect(err).toMatch(/^error: Cannot run kubectl: it is not installed; sudo apt-get install .*kubernetes-client/m);
    expect(err).toContain("(fail) asks");
    expect(err).not.toMatch(/^\s+at |\d \|/m);
  });
});

describe("the table of programs", () => {
  const SPAWNS = /(?:command|start|beside|spawn|spawnSync|execFileSync)\(\s*\[?(?:program\()?"([a-z][a-z0-9-]*)"/g;
  /** Part of every Debian, of Node, or edge-lb's own. */
  const GIVEN = new Set(["node", "sh", "rm", "mkfifo", "sleep", "cat", "true"]);

  test("has every program that a test starts", async () => {
    const listed = new Set(TABLE.map((entry) => entry.program));
    const unknown: string[] = [];
    for await (const path of new Bun.Glob("{test,scripts/lab}/**/*.ts").scan({ cwd: ROOT })) {
      const text = readFileSync(join(ROOT, path), "utf8");
      for (const [, name = ""] of text.matchAll(SPAWNS))
        if (!listed.has(name) && !GIVEN.has(name)) unknown.push(`${path}: ${name}`);
    }
    expect(unknown).toEqual([]);
  });
});
