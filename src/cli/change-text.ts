/** What a change of the running edge-lb did, in words. */
import type { ChangeResult } from "../control/api/change-clusters.ts";

export type Done = Extract<ChangeResult, { ok: true }>;

/** One line per change. */
export function changeText({ changes, needsRestart }: Pick<Done, "changes" | "needsRestart">): string {
  const lines = [...changes, ...needsRestart.map((change) => `needs a restart: ${change}`)];
  return lines.length === 0 ? "nothing changed\n" : `${lines.join("\n")}\n`;
}

export function savedText({ saved }: Done): string {
  return typeof saved === "string" ? `saved to ${saved}\n` : "";
}

/** What happens to the connections that are open. */
export function goingText(active: number, cutSeconds: number): string {
  if (active === 0) return "";
  const open = `${active} open ${active === 1 ? "connection" : "connections"}`;
  return cutSeconds === 0 ? `${open} cut\n` : `${open}: cut in ${cutSeconds}s\n`;
}
