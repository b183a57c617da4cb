import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { CommandLine, type Parsed } from "../../../src/cli/line/command-line.ts";
import { command, type Command } from "../../../src/cli/line/command.ts";
import { several, single, toggle } from "../../../src/cli/line/command-option.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { TOP_OPTIONS } from "../../../src/config/options/options.ts";
import { EdgeError, EdgeErrors } from "../../../src/errors.ts";
import { fit } from "../../../src/config/values/text.ts";
import { silentIo, words } from "../running.ts";

function parse(argv: readonly string[], commands: readonly Command[] = COMMANDS): Parsed {
  return new CommandLine(commands).parse(argv);
}

function lines(argv: readonly string[]): readonly string[] {
  try {
    parse(argv);
    return [];
  } catch (error) {
    if (error instanceof EdgeErrors) return error.errors.map((each) => each.toLine());
    if (error instanceof EdgeError) return [error.toLine()];
    throw error;
  }
}

describe("CommandLine.parse()", () => {
  test.each([
    ["", "run", [], []],
    ["run", "run", [], []],
    ["--domain 08080", "run", [], ["domain 08080"]],
    ["--domain=08080", "run", [], ["domain 08080"]],
    ["--domain 1.10 run", "run", [], ["domain 1.10"]],
    ["--domain true", "run", [], ["domain true"]],
    ["--cluster a=1,b=2", "run", [], ["cluster a=1,b=2"]],
    ["--cluster=a=1", "run", [], ["cluster a=1"]],
    ["--cluster a=1 --cluster b=2", "run", [], ["cluster a=1", "cluster b=2"]],
    ["-c a.yaml check", "check", [], ["config a.yaml"]],
    ["-c=a.yaml check", "check", [], ["config a.yaml"]],
    ["check -c a.yaml", "check", [], ["config a.yaml"]],
    ["explain x.lab --domain lab", "explain", ["x.lab"], ["domain lab"]],
    ["--domain lab explain 08080", "explain", ["08080"], ["domain lab"]],
    ["--default run", "run", [], ["default run"]],
    ["version", "version", [], []],
    ["--version", "version", [], []],
    ["-v", "version", [], []],
  ])("reads: %s", (typed, name, args, flags) => {
    const parsed = parse(words(typed));
    expect(parsed.command.name).toBe(name);
    expect(parsed.args).toEqual(args);
    expect(parsed.settings.map(({ flag, text }) => `${flag} ${text}`)).toEqual(flags);
  });

  test("passes every flag of the table on, as typed", () => {
    for (const option of TOP_OPTIONS) {
      const text = option.item === null ? "007" : `${option.item}=007`;
      expect(parse([`--${option.flag}`, text]).settings).toEqual([{ flag: option.flag, text }]);
    }
  });

  test.each([
    ["--help", []],
    ["-h", []],
    ["help", []],
    ["check --help", ["check"]],
    ["help check", ["check"]],
    ["--help check --bogus", ["check"]],
    ["status --help", ["status"]],
    ["--json import --help", ["import"]],
  ])("gives help for: %s", (typed, wanted) => {
    const { command, args } = parse(words(typed));
    expect([command.name, args]).toEqual(["help", wanted]);
  });

  test.each([
    ["--json import k.cfg", { json: true }],
    ["--verify import k.cfg", { verify: true }],
    ["--format yaml import k.cfg", { format: "yaml" }],
    ["--out o.yaml import k.cfg", { out: "o.yaml" }],
    ["--domain lab import k.cfg", { domain: [{ cluster: null, domain: "lab" }] }],
    ["import k.cfg --out o.yaml --json", { out: "o.yaml", json: true }],
  ])("takes a command's options on either side of it: %s", (typed, want) => {
    const { command, args, settings, options } = parse(words(typed));
    expect([command.name, args, settings]).toEqual(["import", ["k.cfg"], []]);
    const off = { verify: false, json: false, force: false, verbose: false, "keep-log": false };
    expect(options).toEqual({ format: null, out: null, domain: [], ...off, ...want });
  });

  test("takes a lone dash for an argument", () => {
    expect(parse(words("import - --json")).args).toEqual(["-"]);
  });

  test.each([
    [
      "a stray argument",
      "--cluster a=1 b=2",
      ['Cannot use "b=2": not expected (USAGE); clusters are flags: --cluster b=...'],
    ],
    ["an unknown command", "chekc", ["chekc: Cannot run this command: not known (USAGE); did you mean check"]],
    ["a command like none", "zzzzzzzz", ["zzzzzzzz: Cannot run this command: not known (USAGE); see --help"]],
    ["an argument too many", "check x", ['Cannot use "x": not expected (USAGE)']],
    [
      "two arguments too many",
      "explain a b c",
      ['Cannot use "b": not expected (USAGE)', 'Cannot use "c": not expected (USAGE)'],
    ],
    ["an argument too few", "explain", ["explain: Cannot run explain: no argument found, <NAME|URL> wanted (USAGE)"]],
    [
      "a missing value at the end",
      "--domain",
      ["--domain: Cannot use this flag: no value found, DOMAIN wanted (USAGE)"],
    ],
    [
      "a missing value before a flag",
      "--domain --default hub",
      ["--domain: Cannot use this flag: no value found, DOMAIN wanted (USAGE)"],
    ],
    [
      "an empty value, not the next argument",
      "--domain= lab",
      [
        "--domain: Cannot use this flag: no value found, DOMAIN wanted (USAGE)",
        "lab: Cannot run this command: not known (USAGE); see --help",
      ],
    ],
    [
      "an unknown flag and its value",
      "--domian lab",
      ["--domian: Cannot use this flag: not known (USAGE); did you mean --domain"],
    ],
    [
      "an unknown flag before a command",
      "--domian check",
      ["--domian: Cannot use this flag: not known (USAGE); did you mean --domain"],
    ],
    ["a flag like none", "--zzzzzzzzzz=1", ["--zzzzzzzzzz: Cannot use this flag: not known (USAGE)"]],
    [
      "a negated flag",
      "--no-access-log",
      ["--no-access-log: Cannot use this flag: not known (USAGE); write --access-log off"],
    ],
    [
      "a flag in another case",
      "--Domain lab",
      ["--Domain: Cannot use this flag: not known (USAGE); did you mean --domain"],
    ],
    ["an unknown short flag", "-x", ["-x: Cannot use this flag: not known (USAGE)"]],
    ["short flags in one", "-ca.yaml", ["-ca.yaml: Cannot use this flag: not known (USAGE)"]],
    ["one dash for a long flag", "-domain lab", ["-domain: Cannot use this flag: not known (USAGE)"]],
    ["three dashes", "---domain lab", ["---domain: Cannot use this flag: not known (USAGE)"]],
    [
      "a dotted flag",
      "--cluster.a=1",
      ["--cluster.a: Cannot use this flag: not known (USAGE); did you mean --cluster"],
    ],
    [
      "a name of Object",
      "--constructor=1 --__proto__=2",
      [
        "--constructor: Cannot use this flag: not known (USAGE)",
        "--__proto__: Cannot use this flag: not known (USAGE)",
      ],
    ],
    ["two dashes", "explain -- x.lab", ["--: Cannot use this flag: not known (USAGE)"]],
    [
      "settings of a command without",
      "version --domain lab",
      ["--domain: Cannot use this flag: version does not take it (USAGE)"],
    ],
    [
      "what cac cannot take in",
      "-a --a.b",
      ["-a: Cannot use this flag: not known (USAGE)", "--a.b: Cannot use this flag: not known (USAGE)"],
    ],
    [
      "another word for a command",
      "remove hub --now",
      ["remove: Cannot run this command: not known (USAGE); did you mean rm"],
    ],
    [
      "everything that is wrong with a command's options",
      "import k.cfg --format xml --domain a..b --frob",
      [
        "--frob: Cannot use this flag: not known (USAGE)",
        'Cannot use --format: "xml" found, yaml or flags wanted (USAGE)',
        'Cannot use --domain: "a..b" found, a DNS name such as linuxera.lab wanted (USAGE)',
      ],
    ],
    ["help with a value", "--help=1", ["--help: Cannot use this flag: a value found, none wanted (USAGE)"]],
    ["a switch of another command", "run --live", ["--live: Cannot use this flag: run does not take it (USAGE)"]],
    ["a switch with a value", "check --live=1", ["--live: Cannot use this flag: a value found, none wanted (USAGE)"]],
    [
      "a valued switch of another command",
      "check --for 10.0.0.1",
      ["--for: Cannot use this flag: check does not take it (USAGE)"],
    ],
    [
      "a valued switch without its value",
      "dns --for --format=",
      [
        "--for: Cannot use this flag: no value found, ADDRESS wanted (USAGE)",
        "--format: Cannot use this flag: no value found, hosts|dnsmasq|bind|libvirt|resolved wanted (USAGE)",
      ],
    ],
    [
      "settings with a command that asks the edge-lb that runs",
      "status --domain a.lab",
      ["--domain: Cannot use this flag: status does not take it (USAGE)"],
    ],
    [
      "a command without its argument",
      "add --save",
      ["add: Cannot run add: no argument found, <NAME=ITEM[,ITEM...]> wanted (USAGE)"],
    ],
    [
      "several mistakes",
      "--domian a --domain --default b c=1",
      [
        "--domian: Cannot use this flag: not known (USAGE); did you mean --domain",
        "--domain: Cannot use this flag: no value found, DOMAIN wanted (USAGE)",
        'Cannot use "c=1": not expected (USAGE); clusters are flags: --cluster c=...',
      ],
    ],
    [
      "an option of one value typed twice",
      "dns --for 10.0.0.1 --for ::1 --format hosts --format bind",
      [
        'Cannot use --for: "::1" beside another one found, one wanted (USAGE)',
        'Cannot use --format: "bind" beside another one found, one wanted (USAGE)',
      ],
    ],
  ])("refuses %s", (_, typed, want) => {
    expect(lines(words(typed))).toEqual(want);
  });

  test("takes the values of a command's own flags", () => {
    const { command, settings, options } = parse(words("dns -c a.yaml --format=hosts --for ::1"));
    expect([command.name, settings, options]).toEqual([
      "dns",
      [{ flag: "config", text: "a.yaml" }],
      { for: "::1", format: "hosts", forward: null },
    ]);
  });

  test("never repeats what may be a password", () => {
    for (const argv of [
      ["--admin-auth", "admin", "hunter2"],
      ["--admin-auht", "hunter2"],
      ["--admin-auht=hunter2"],
      ["--admin-auth=u:p", "hunter2"],
    ]) {
      expect(lines(argv).length).toBe(1);
      expect(lines(argv).join("")).not.toContain("hunter2");
    }
  });

  test("keeps values with any bytes", () => {
    expect(parse(["--domain", "a b\n=c"]).settings).toEqual([{ flag: "domain", text: "a b\n=c" }]);
  });
});

describe("CommandLine.run()", () => {
  const SERVE = { io: silentIo(), serve: () => Promise.resolve(0) };

  /** A command that takes what later ones will: letters, repeated values, any number of words. */
  function pack(seen: unknown[]): Command {
    return command({
      name: "pack",
      help: "Pack",
      args: [
        { shown: "KIND", count: "one", completes: ["box"] },
        { shown: "FILE", count: "any", completes: "file" },
      ],
      options: {
        peer: several("ADDR", "A peer", (text) => fit(Number(text))),
        level: single("N", "How much", (text) => fit(text), { short: "l" }),
        quiet: toggle("Say nothing", { short: "q" }),
      },
      run({ args, options }) {
        seen.push(args, options);
        return 7;
      },
    });
  }

  test("runs the command, its values as typed, and ends with its code", async () => {
    const seen: unknown[] = [];
    const line = new CommandLine([COMMANDS[0]!, pack(seen)]);
    expect(await line.run(words("--peer 1 -q pack 08 - true -l 010 --peer=2"), SERVE)).toBe(7);
    expect(seen).toEqual([["08", "-", "true"], { peer: [1, 2], level: "010", quiet: true }]);
  });

  test("refuses a command whose flag is typed in another way elsewhere", () => {
    const other = command({ name: "other", help: "", options: { peer: toggle("") }, run: () => 0 });
    expect(() => new CommandLine([pack([]), other])).toThrow("Cannot declare --peer: declared in another way before");
  });

  test("throws nothing but mistakes, whatever is typed, and cac finds none that was not found before", async () => {
    const idle = COMMANDS.map((each) => ({ ...each, run: () => 0 }));
    const flags = [
      ...TOP_OPTIONS.map((option) => `--${option.flag}`),
      ...COMMANDS.flatMap(({ options }) => Object.keys(options).map((flag) => `--${flag}`)),
    ];
    const word = fc.oneof(
      fc.constantFrom(...flags),
      fc.constantFrom(...COMMANDS.map(({ name }) => name)),
      fc.constantFrom(
        "-c",
        "-",
        "--",
        "=",
        "--=",
        "--a.b",
        "--no-",
        "-1",
        "a=1",
        "--help=1",
        "--json=true",
        "true",
        "08",
        "",
      ),
      fc.string({ maxLength: 6 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (argv) => {
        try {
          expect(await new CommandLine(idle).run(argv, SERVE)).toBe(0);
        } catch (error) {
          if (!(error instanceof EdgeErrors)) throw error;
          for (const each of error.errors) expect(each.toLine()).not.toContain("\n");
        }
      }),
      { numRuns: 1500 },
    );
  });
});
