/** A toy node as a process: takes its spec and then calls from the parent, answers each with the same id. */
import type { NodeCounters, ToyNode } from "./node.ts";
import { startToyNode, type BehaviourChange, type NodeCertificates, type ToyNodeSpec } from "./node.ts";

/** What the parent asks for; the first is always `start`. */
export type ToyCall =
  | { readonly id: number; readonly do: "start"; readonly spec: ToyNodeSpec }
  | { readonly id: number; readonly do: "behave"; readonly change: BehaviourChange }
  | { readonly id: number; readonly do: "present"; readonly certificates: Partial<NodeCertificates> }
  | { readonly id: number; readonly do: "counters" };

export interface ToyReply {
  readonly id: number;
  readonly error: string | null;
  readonly counters: NodeCounters | null;
}

let node: ToyNode | undefined;

async function carryOut(call: ToyCall): Promise<NodeCounters | null> {
  if (call.do === "start") node = await startToyNode(call.spec);
  if (call.do === "behave") await node?.behave(call.change);
  if (call.do === "present") await node?.present(call.certificates);
  return call.do === "counters" ? ((await node?.counters()) ?? null) : null;
}

async function answer(call: ToyCall): Promise<ToyReply> {
  try {
    return { id: call.id, error: null, counters: await carryOut(call) };
  } catch (error) {
    return { id: call.id, error: error instanceof Error ? error.message : String(error), counters: null };
  }
}

process.on("message", (call: ToyCall) => void answer(call).then((reply) => process.send?.(reply)));
process.on("disconnect", () => process.exit(0)); // the parent is gone
process.on("SIGINT", () => undefined); // Ctrl-C on a terminal reaches the whole group; the parent decides
