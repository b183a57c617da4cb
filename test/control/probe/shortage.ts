/** Run with few descriptors left: prints what probes say of a server that is well. */
import { openSync } from "node:fs";
import { probeTcp } from "../../../src/control/probe/probes.ts";
import { serveRaw } from "./servers.ts";

const { at } = await serveRaw(() => undefined);
const before = await probeTcp(at, 1_000);
let full = false;
while (!full) {
  try {
    openSync("/dev/null", "r");
  } catch {
    full = true;
  }
}
const during = await probeTcp(at, 1_000);
console.log(JSON.stringify({ before: before.evidence, during: during.evidence }));
process.exit();
