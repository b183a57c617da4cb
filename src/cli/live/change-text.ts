/** What a change of the running edge-lb did, in words. */
import type { ChangeResult } from "../../control/api/change-clusters.ts";

export type Done = Extract<ChangeResult, { ok: true }>;

/** One line per change. */
export function changeText(done: Pick<Done, "changes" | "needsRestart" | "notes">): string {
  const { changes, needsRestart, notes = [] } = done;
  const changed = [...changes, ...needsRestart.map((change) => `needs a restart: ${change}`)];
  const lines = [...(changed.length === 0 ? ["nothing changed"] : changed), ...notes];
  return `${lines.join("\n")}\n`;
}

export function savedText({ saved }: Done): string {
  return typeof saved === "string" ? `saved to ${saved}\n` : "";
}

/** How to get back what file or flags still have. */
export function backText(name: string, { stillIn }: Done): string {
  return typeof stillIn === "string" ? `${stillIn} still has it: edge-lb add ${name} brings it back\n` : "";
}

/** What happens to the connections that are open. */
export function goingText(active: number, cutSeconds: number): string {
  if (active === 0) return "";
  const open = `${active} open ${active === 1 ? "connection" : "connections"}`;
  return cutSeconds === 0 ? `${open} cut\n` : `${open}: cut in ${cutSeconds}s\n`;
}
