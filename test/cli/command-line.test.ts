import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseCommandLine } from "../../src/cli/command-line.ts";
import { TOP_ROWS } from "../../src/config/options.ts";
import { EdgeError, EdgeErrors } from "../../src/errors.ts";
import { words } from "./running.ts";

function lines(argv: readonly string[]): readonly string[] {
  try {
    parseCommandLine(argv);
    return [];
  } catch (error) {
    if (error instanceof EdgeErrors) return error.errors.map((each) => each.toLine());
    if (error instanceof EdgeError) return [error.toLine()];
    throw error;
  }
}

describe("parseCommandLine()", () => {
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
    const command = parseCommandLine(words(typed));
    expect(command.spec.name).toBe(name);
    expect(command.args).toEqual(args);
    expect(command.flags.map(({ flag, text }) => `${flag} ${text}`)).toEqual(flags);
  });

  test("passes every flag of the table on, as typed", () => {
    for (const option of TOP_ROWS) {
      const text = option.item === null ? "007" : `${option.item}=007`;
      expect(parseCommandLine([`--${option.flag}`, text]).flags).toEqual([{ flag: option.flag, text }]);
    }
  });

  test.each([
    ["--help", "run"],
    ["-h", "run"],
    ["check --help", "check"],
    ["--help check --bogus", "check"],
    ["status --help", "status"],
  ])("gives help for: %s", (typed, name) => {
    const { help, spec } = parseCommandLine(words(typed));
    expect([help, spec.name]).toEqual([true, name]);
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
        "--format: Cannot use this flag: no value found, hosts|dnsmasq|bind|libvirt wanted (USAGE)",
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
  ])("refuses %s", (_, typed, want) => {
    expect(lines(words(typed))).toEqual(want);
  });

  test("takes the values of a command's own flags", () => {
    const { spec, flags, values } = parseCommandLine(words("dns --for 010.0.0.1 -c a.yaml --format=hosts --for ::1"));
    expect([spec.name, flags, [...values]]).toEqual([
      "dns",
      [{ flag: "config", text: "a.yaml" }],
      [
        ["for", "::1"],
        ["format", "hosts"],
      ],
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
    expect(parseCommandLine(["--domain", "a b\n=c"]).flags).toEqual([{ flag: "domain", text: "a b\n=c" }]);
  });

  test("throws nothing but mistakes, whatever is typed", () => {
    const flags = TOP_ROWS.map((option) => `--${option.flag}`);
    const word = fc.oneof(
      fc.constantFrom(
        ...flags,
        "run",
        "check",
        "explain",
        "-c",
        "-",
        "--",
        "=",
        "--=",
        "--a.b",
        "--no-",
        "-1",
        "a=1",
        "--live",
        "--help=1",
        "",
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
        for (const line of lines(argv)) expect(line).not.toContain("\n");
      }),
      { numRuns: 1500 },
    );
  });
});
