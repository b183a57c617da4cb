/** `source=client`: answers to a client's address come back to edge-lb only where the kernel was told so. */
import type { Config } from "../config/model.ts";
import { clientRules, shellLine } from "../control/machine/client-rules.ts";
import { DIAL_RIGHT } from "../control/machine/client-source.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

export async function checkClientSource(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const { run } = environment;
  const rules = clientRules(config);
  const findings: Finding[] = rules.length === 0 ? [] : [...(await checkRight(config, environment))];
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

/** The start refuses what it cannot do. An edge-lb that runs already has what it needs. */
async function checkRight(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  if (environment.running !== null) return [];
  const chosen = await environment.engine?.(config).catch(() => undefined);
  if (chosen !== undefined && chosen.engine !== "linux")
    return [fail(`source=client: engine ${chosen.engine} cannot dial from a client's address`, "use --engine linux")];
  const may = chosen === undefined ? undefined : await environment.mayDialFromAnywhere?.();
  return may === false ? [fail("source=client: CAP_NET_ADMIN is missing", DIAL_RIGHT)] : [];
}
