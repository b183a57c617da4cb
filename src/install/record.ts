/** What install made, for uninstall. */
import { PLACES } from "./places.ts";
import type { System } from "./system.ts";

export interface InstallRecord {
  /** As install wrote them. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  /** The user was not there before. */
  readonly madeUser: boolean;
}

/** Null: nothing was installed. */
export function readRecord(system: System): InstallRecord | null {
  const bytes = system.read(PLACES.record);
  return bytes === null ? null : (JSON.parse(new TextDecoder().decode(bytes)) as InstallRecord);
}

export function writeRecord(system: System, record: InstallRecord): void {
  const content = `${JSON.stringify(record, null, 2)}\n`;
  system.write({ path: PLACES.record, content, mode: 0o600, group: null });
}
