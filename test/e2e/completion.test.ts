/** The shells of a user, with edge-lb's scripts in them and an edge-lb that runs. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EdgeLb, edgeLbArgv, runEdgeLb, startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { withScreen } from "../support/screen.ts";

let folder: string;
let edge: EdgeLb;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "edge-lb-completion-"));
  writeFileSync(join(folder, "edge-lb"), `#!/bin/sh\nexec ${edgeLbArgv().join(" ")} "$@"\n`);
  chmodSync(join(folder, "edge-lb"), 0o755);
  const ports = await freePorts(3);
  const listen = ["api", "https", "http"].flatMap((kind, at) => ["--listen", `${kind}=127.0.0.1:${ports[at]}`]);
  const cluster = ["--cluster", "hub=127.24.9.20,127.24.9.31,check=off"];
  edge = await startEdgeLb([...listen, ...cluster, "--control", join(folder, "c")]);
});
afterAll(async () => {
  await edge?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const SHELLS = {
  bash: "bash --norc --noprofile -i",
  zsh: "zsh -f -i",
  fish: "fish --no-config -i",
} as const;
const SOURCE = {
  bash: "source <(edge-lb completion bash)",
  zsh: "autoload -U compinit; compinit -D; source <(edge-lb completion zsh)",
  fish: "edge-lb completion fish | source",
} as const;

describe("completion", () => {
  test.each(["bash", "zsh", "fish"] as const)(
    "%s completes commands, words behind =, and clusters and nodes of the running one",
    async (shell) => {
      const variables = `cd ${folder}; env PATH=${folder}:$PATH PS1='> ' PROMPT='> ' HOME=${folder} XDG_CONFIG_HOME=${folder}`;
      await withScreen(`${variables} ${SHELLS[shell]}`, async ({ shows, keys, resize }) => {
        await resize(160, 24);
        await keys("-l", `${SOURCE[shell]}; echo sour""ced\n`);
        await shows(/^sourced/m);
        const typing = async (typed: string, wanted: RegExp): Promise<void> => {
          await keys("-l", `${typed}\t`);
          await shows(wanted);
          await keys("C-c");
        };
        await typing("edge-lb expl", /edge-lb explain$/m);
        await typing("edge-lb --engine=li", /edge-lb --engine=linux/);
        await typing(`edge-lb --control ${folder}/c rm h`, /c rm hub$/m);
        await typing(`edge-lb --control ${folder}/c drain hub/127.24.9.3`, /drain hub\/127\.24\.9\.31$/m);
      });
    },
    60_000,
  );

  test("evaluates nothing of what was typed", async () => {
    const script = `${SOURCE.bash}; COMP_WORDS=(edge-lb rm '$(touch ${folder}/evil)') COMP_CWORD=2; _edge_lb edge-lb`;
    const ran = Bun.spawnSync(["bash", "-c", script], {
      env: { ...process.env, PATH: `${folder}:${process.env["PATH"]}` },
    });
    expect(ran.exitCode).toBe(0);
    expect(await Bun.file(join(folder, "evil")).exists()).toBe(false);
    expect((await runEdgeLb(["__complete", "bash", "rm", ""])).code).toBe(0);
  });
});
