/** Runs the suite against `createNodeRuntime` outside of `bun test`: under Node and Deno, where `node:net` is another one. */
import { createNodeRuntime } from "../../src/runtime/node.ts";
import { CASE_GROUPS } from "./case-groups.ts";
import { loopbackHarness } from "./loopback.ts";
import { runCase } from "./run-case.ts";

/** Cases whose name holds this text; all when none is given. */
const wanted = process.argv[2] ?? "";
const failures: string[] = [];
let count = 0;
for (const [group, cases] of Object.entries(CASE_GROUPS)) {
  for (const one of cases) {
    if (!one.name.includes(wanted)) continue;
    count++;
    try {
      await runCase(one, () => loopbackHarness(createNodeRuntime));
    } catch (error) {
      failures.push(`${group} ${one.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
for (const failure of failures) console.error(failure);
console.log(`${count - failures.length} of ${count} passed`);
process.exit(failures.length === 0 ? 0 : 1);
