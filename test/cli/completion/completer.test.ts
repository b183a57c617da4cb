import { describe, expect, test } from "bun:test";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { Completer, joinBroken, type AskRunning } from "../../../src/cli/completion/completer.ts";
import { sampleStatus } from "../../admin/status-sample.ts";
import { edgeLb } from "../running.ts";

const running: AskRunning = () => Promise.resolve(sampleStatus());
const nothing: AskRunning = () => Promise.resolve(null);

async function completed(typed: string, ask: AskRunning = running): Promise<readonly string[] | "files"> {
  const found = await new Completer(COMMANDS, ask).complete(typed.split(" "));
  return found.kind === "files" ? "files" : found.candidates.map(({ text }) => text);
}

describe("Completer.complete()", () => {
  test("offers every command, with its help", async () => {
    expect(await completed("")).toEqual(COMMANDS.map(({ name }) => name));
  });

  test.each([
    ["re", ["reload"]],
    ["completion ", ["bash", "zsh", "fish"]],
    ["completion z", ["zsh"]],
    ["help dr", ["drain"]],
    ["check --li", ["--live", "--listen", "--limit"]],
    ["check --live --engine ", ["auto", "linux", "bun", "node"]],
    ["--engine=l", ["--engine=linux"]],
    ["--timeout hel", ["hello="]],
    ["import --format ", ["yaml", "flags"]],
    ["--admin ", ["off"]],
    ["--cluster hub", []],
    ["--cluster hub=10.0.0.1,send", ["hub=10.0.0.1,send-proxy="]],
    ["--cluster hub=10.0.0.1,send-proxy=v", ["hub=10.0.0.1,send-proxy=v1", "hub=10.0.0.1,send-proxy=v2"]],
    ["-c lab.yaml expl", ["explain"]],
    ["rm hub extra", []],
    ["xyz ", []],
  ])("%s", async (typed, wanted) => {
    expect(await completed(typed, nothing)).toEqual(wanted);
  });

  test.each(["-c ", "--config=/etc", "import ", "import --out x"])("leaves files to the shell: %s", async (typed) => {
    expect(await completed(typed)).toBe("files");
  });

  test.each([
    ["rm ", ["hub"]],
    ["drain hub/", ["hub/192.168.125.20", "hub/worker-1.lab"]],
    ["explain api.", ["api.hub.lab"]],
    ["--default h", ["hub"]],
  ])("asks the running one: %s", async (typed, wanted) => {
    expect(await completed(typed)).toEqual(wanted);
    expect(await completed(typed, nothing)).toEqual([]);
  });

  test("passes on where it runs", async () => {
    const asked: unknown[] = [];
    await completed("--control /x rm ", (settings) => (asked.push(settings), Promise.resolve(null)));
    expect(asked).toEqual([[{ flag: "control", text: "/x" }]]);
  });
});

describe("joinBroken()", () => {
  test.each([
    [["--engine", "=", "l"], ["--engine=l"]],
    [
      ["--cluster", "hub", "=", "10.0.0.1,allow", "=", ""],
      ["--cluster", "hub=10.0.0.1,allow="],
    ],
    [
      ["rm", ""],
      ["rm", ""],
    ],
    [["http", "=:", "80"], ["http=:80"]],
  ])("%j", (words, wanted) => {
    expect(joinBroken(words)).toEqual(wanted);
  });
});

describe("__complete", () => {
  test("answers bash with what stands behind the last break, and the others with help", async () => {
    expect((await edgeLb(["__complete", "bash", "--engine", "=", "l"])).out).toBe("words\nlinux\n");
    expect((await edgeLb(["__complete", "zsh", "relo"])).out).toBe(
      "words\nreload\tRead the file again, say what changed\n",
    );
    expect((await edgeLb(["__complete", "fish", "-c", ""])).out).toBe("files\n");
  });
});

describe("completion", () => {
  test.each(["bash", "zsh", "fish"])("prints a script for %s", async (shell) => {
    const { code, out, err } = await edgeLb(["completion", shell]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain(`__complete ${shell}`);
  });

  test("knows three shells", async () => {
    expect(await edgeLb(["completion", "csh"])).toMatchObject({
      code: 2,
      err: 'edge-lb: Cannot complete for "csh": bash, zsh or fish wanted (USAGE)\n',
    });
    expect((await edgeLb(["completion"])).code).toBe(2);
  });
});
