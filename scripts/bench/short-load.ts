/** What is asked of a peer, or of a node itself, where short connections are measured. */
import { apiAt, type Subject } from "./course.ts";
import type { Span, Target } from "./load-common.ts";
import type { LoadCommand } from "./load.ts";
import { apiTargets } from "./world.ts";

/** Clients at a time. */
export const CONCURRENT = 64;

export function shortCommand(subject: Subject, span: Span, targets = targetsOf(subject)): LoadCommand {
  return { run: "short", order: { to: apiAt(subject), targets, connections: CONCURRENT }, span };
}

/** A node that is asked directly is one node. */
export function targetsOf(subject: Subject): readonly Target[] {
  const targets = apiTargets(subject.world);
  return subject.running === null ? targets.slice(0, 1) : targets;
}
