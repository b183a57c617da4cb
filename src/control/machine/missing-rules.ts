/** `source=client` without its rules: answers of nodes go past edge-lb, and every client waits until its time is over. */
import { execFile } from "node:child_process";
import type { Config } from "../../config/model.ts";
import { clientRules } from "./client-rules.ts";

/** ip and nft answer at once. */
const ASK_MS = 2_000;

/** What a program prints; null: it cannot tell. */
type Ask = (program: string, args: readonly string[]) => Promise<string | null>;

/** @returns a warning that names what is missing; null: all is there, or nobody here may see it */
export async function missingRules(config: Config, ask: Ask = run): Promise<string | null> {
  const answers = await Promise.all(
    clientRules(config).map(async ({ what, asked: [program = "", ...args], wanted }) => {
      const out = await ask(program, args);
      return out === null || wanted.test(out) ? [] : [what];
    }),
  );
  const missing = answers.flat();
  if (missing.length === 0) return null;
  const names = config.clusters.filter(({ source }) => source === "client").map(({ name }) => name);
  return `source=client of ${names.join(", ")}: ${missing.join(", ")} missing, so its clients get no answer; edge-lb rules --apply makes them`;
}

function run(program: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: ASK_MS, env: { ...process.env, LC_ALL: "C" } }, (error, out) => {
      // root may see everything: what ip or nft does not list is not there
      const isToldMissing = error !== null && typeof error.code === "number" && process.geteuid?.() === 0;
      resolve(error === null || isToldMissing ? out : null);
    });
  });
}
