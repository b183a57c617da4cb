import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withIssuer } from "../../src/core/discover/issuers.ts";
import { IssuerMemory } from "../../src/discover/issuer-memory.ts";

let folder = "";
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "edge-lb-issuers-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("IssuerMemory keeps issuers over a restart, and writes to no link that stands ready (13 B3)", () => {
  const victim = join(folder, "victim");
  writeFileSync(victim, "mine");
  const state = mkdtempSync(join(folder, "state-"));
  for (const name of ["issuers.json", "issuers.json.new"]) symlinkSync(victim, join(state, name));
  const memory = new IssuerMemory(state);
  const issuers = withIssuer(new Map(), "api hub.lab", "ca-1");
  memory.keep(issuers);
  expect(memory.fault).toBeNull();
  expect(readFileSync(victim, "utf8")).toBe("mine");
  expect(new IssuerMemory(state).issuers).toEqual(issuers);
  expect(readdirSync(state)).toHaveLength(2);
});
