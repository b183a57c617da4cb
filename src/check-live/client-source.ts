/** `source=client`: answers to a client's address come back to edge-lb only where the kernel was told so. */
import type { Config } from "../config/model.ts";
import { clientRules, shellLine } from "../control/machine/client-rules.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

export async function checkClientSource(config: Config, { run }: LiveEnvironment): Promise<readonly Finding[]> {
  const rules = clientRules(config);
  const findings: Finding[] = [];
  for (const { what, asked, wanted, add } of rules) {
    const [program = "", ...args] = asked;
    const answer = await run(program, args);
    const lines = add.map((argv) => `sudo ${shellLine(argv)}`);
    if (answer === null) findings.push(fail(`source=client: there is no ${program} here`, `install ${program}`));
    else if (answer.code === 0 && wanted.test(answer.out)) continue;
    else if (program === "nft" && process.geteuid?.() !== 0)
      findings.push(warn(`source=client: only root can see ${what}`, ...lines));
    else findings.push(fail(`source=client: ${what} is missing`, ...lines));
  }
  return rules.length > 0 && findings.length === 0 ? [ok("source=client: rules and routes are there")] : findings;
}
