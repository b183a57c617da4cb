import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../scripts/lab/small-lab.ts";
import { FileWatch } from "../../../src/control/serve/file-watch.ts";

let folder: string;
let watch: FileWatch | null = null;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "edge-lb-watch-"))));
afterEach(() => {
  watch?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const LOOK_MS = 200;
const QUIET_MS = 100;

/** When each change was told, ms. */
function watching(file: string): { readonly told: number[]; readonly troubles: string[] } {
  const [told, troubles]: [number[], string[]] = [[], []];
  watch = new FileWatch({
    file,
    onChange: () => void told.push(performance.now()),
    onTrouble: (why) => void troubles.push(why),
    lookMs: LOOK_MS,
    quietMs: QUIET_MS,
  });
  return { told, troubles };
}

const at = (...names: readonly string[]): string => join(folder, ...names);

/** A link that is swapped at once, as Kubernetes does it. */
function relink(target: string, link: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

interface Replacement {
  readonly what: string;
  /** Makes a file of the text "one". @returns the path that is watched */
  readonly prepare: () => string;
  /** Makes its text "two". */
  readonly replace: () => void;
}

const REPLACEMENTS: readonly Replacement[] = [
  {
    what: "written in place",
    prepare: () => plain(),
    replace: () => writeFileSync(at("lab.yaml"), "two"),
  },
  {
    what: "renamed over",
    prepare: () => plain(),
    replace: () => {
      writeFileSync(at("new"), "two");
      renameSync(at("new"), at("lab.yaml"));
    },
  },
  {
    what: "removed, and written later",
    prepare: () => plain(),
    replace: () => {
      rmSync(at("lab.yaml"));
      setTimeout(() => writeFileSync(at("lab.yaml"), "two"), LOOK_MS);
    },
  },
  {
    what: "a ConfigMap whose ..data is swapped",
    prepare: () => {
      for (const text of ["one", "two"]) {
        mkdirSync(at(`..${text}`));
        writeFileSync(at(`..${text}`, "lab.yaml"), text);
      }
      symlinkSync("..one", at("..data"));
      symlinkSync("..data/lab.yaml", at("lab.yaml"));
      return at("lab.yaml");
    },
    replace: () => relink("..two", at("..data")),
  },
  {
    what: "a link to a file that changes elsewhere",
    prepare: () => {
      mkdirSync(at("elsewhere"));
      writeFileSync(at("elsewhere", "real.yaml"), "one");
      symlinkSync("elsewhere/real.yaml", at("lab.yaml"));
      return at("lab.yaml");
    },
    replace: () => writeFileSync(at("elsewhere", "real.yaml"), "two"),
  },
  {
    what: "below a folder link that is switched",
    prepare: () => {
      for (const text of ["one", "two"]) {
        mkdirSync(at(text));
        writeFileSync(at(text, "lab.yaml"), text);
      }
      symlinkSync("one", at("current"));
      return at("current", "lab.yaml");
    },
    replace: () => relink("two", at("current")),
  },
  {
    what: "in a folder that is removed and made anew",
    prepare: () => {
      mkdirSync(at("etc"));
      writeFileSync(at("etc", "lab.yaml"), "one");
      return at("etc", "lab.yaml");
    },
    replace: () => {
      rmSync(at("etc"), { recursive: true });
      mkdirSync(at("etc"));
      writeFileSync(at("etc", "lab.yaml"), "two");
    },
  },
];

function plain(): string {
  writeFileSync(at("lab.yaml"), "one");
  return at("lab.yaml");
}

describe("FileWatch", () => {
  test.each(REPLACEMENTS.map((each) => [each.what, each] as const))(
    "A6: sees a file that is %s, once",
    async (_, { prepare, replace }) => {
      const { told, troubles } = watching(prepare());
      replace();
      await until("the change", () => told.length > 0);
      await Bun.sleep(LOOK_MS + 2 * QUIET_MS);
      expect([told.length, troubles]).toEqual([1, []]);
    },
  );

  test("A6: a file that is written slowly counts once it has been quiet for a while", async () => {
    const { told } = watching(plain());
    let last = 0;
    for (let part = 0; part < 6; part++) {
      appendFileSync(at("lab.yaml"), `${part}\n`);
      last = performance.now();
      await Bun.sleep(QUIET_MS / 2);
    }
    await until("the change", () => told.length > 0);
    expect(told).toHaveLength(1);
    expect((told[0] ?? 0) - last).toBeGreaterThanOrEqual(QUIET_MS * 0.9);
  });

  test("A6: without inotify the folder is looked at, and it says why", async () => {
    const { told, troubles } = watching(at("not", "there.yaml"));
    expect(troubles).toEqual([`${at("not")}: ENOENT`]);
    mkdirSync(at("not"));
    writeFileSync(at("not", "there.yaml"), "one");
    await until("the change", () => told.length === 1);
  });
});
