/** What `edge-lb uninstall` does, step by step: takes back what install recorded, and keeps what somebody edited. */
import { createHash } from "node:crypto";
import { EdgeError } from "../errors.ts";
import { nothing, step, type Step } from "./install.ts";
import { PLACES } from "./places.ts";
import { readRecord } from "./record.ts";
import type { System } from "./system.ts";
import { SERVICE_USER, UNIT_NAME } from "./unit.ts";

/** @throws EdgeError NOT_FOUND when nothing was installed */
export function uninstallSteps(system: System): readonly Step[] {
  const record = readRecord(system);
  if (record === null) {
    throw new EdgeError("NOT_FOUND", "Cannot uninstall: nothing was installed by edge-lb install", {
      hint: "a package is removed with apt or dnf",
    });
  }
  const run = (...argv: readonly string[]): Step => step(`run ${argv.join(" ")}`, () => system.run(argv));
  const hasUnit = system.runsSystemd && record.files.some(({ path }) => path === PLACES.unit);
  return [
    ...(hasUnit ? [run("systemctl", "disable", "--now", UNIT_NAME)] : []),
    ...record.files.map(({ path, sha256 }) => removal(system, path, sha256)),
    ...(hasUnit ? [run("systemctl", "daemon-reload")] : []),
    ...(record.madeUser && system.groupOf(SERVICE_USER) !== null ? [run("userdel", SERVICE_USER)] : []),
    step(`remove ${PLACES.record}`, () => system.remove(PLACES.record)),
  ];
}

function removal(system: System, path: string, sha256: string): Step {
  const content = system.read(path);
  if (content === null) return nothing(`skip ${path}, which is gone already`);
  const isEdited = createHash("sha256").update(content).digest("hex") !== sha256;
  return isEdited ? nothing(`keep ${path}, which was edited`) : step(`remove ${path}`, () => system.remove(path));
}
