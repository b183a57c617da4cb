/** `edge-lb rules`: what the kernel has to be told for clusters with `source=client`; prints it, applies it, takes it back. */
import { spawnSync } from "node:child_process";
import { clientRules, everyRule, shellLine, type ClientRule } from "../../control/machine/client-rules.ts";
import { EdgeError } from "../../errors.ts";
import { ALL_SETTINGS, command } from "../line/command.ts";
import { toggle } from "../line/command-option.ts";
import { configOf } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";

export const RULES = command({
  name: "rules",
  help: "Print the ip and nft lines that source=client needs",
  options: {
    apply: toggle("Run them; what is there already stays"),
    remove: toggle("Take them back"),
  },
  settings: ALL_SETTINGS,
  run(call) {
    const { io, options } = call;
    if (options.apply && options.remove)
      throw new EdgeError("USAGE", "Cannot use --apply with --remove: one of them wanted");
    if (options.remove) {
      for (const rule of everyRule().toReversed()) if (isThere(rule)) perform(rule.remove, io.out);
      return EXIT.done;
    }
    const rules = clientRules(configOf(call));
    if (rules.length === 0) io.err("no cluster has source=client: nothing is needed\n");
    for (const rule of rules) {
      if (!options.apply) for (const argv of rule.add) io.out(`${shellLine(argv)}\n`);
      else if (!isThere(rule)) for (const argv of rule.add) perform(argv, io.out);
    }
    return EXIT.done;
  },
});

const RUN_MS = 10_000;

function isThere({ asked, wanted }: ClientRule): boolean {
  const { status, out } = run(asked);
  return status === 0 && wanted.test(out);
}

/** @throws EdgeError RULES_FAILED with what the program said */
function perform(argv: readonly string[], out: (text: string) => void): void {
  const { status, err } = run(argv);
  if (status === 0) return out(`${shellLine(argv)}\n`);
  const hint = process.geteuid?.() === 0 ? {} : { hint: "run with sudo" };
  throw new EdgeError("RULES_FAILED", `Cannot run ${shellLine(argv)}: ${err.trim().split("\n")[0] ?? ""}`, hint);
}

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** @throws EdgeError RULES_FAILED where there is no such program */
function run([program = "", ...args]: readonly string[]): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: RUN_MS });
  if (error === undefined) return { status, out: stdout, err: stderr };
  const hint = { hint: program === "nft" ? "install nftables" : "install iproute2" };
  throw new EdgeError("RULES_FAILED", `Cannot run ${program}: ${error.message}`, hint);
}
