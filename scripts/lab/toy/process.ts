/** The parent's side of a toy node in a process of its own. */
import type { ToyCall, ToyReply } from "./child.ts";
import type { NodeCounters, ToyNode, ToyNodeSpec } from "./node.ts";

type Unsent<Call> = Call extends ToyCall ? Omit<Call, "id"> : never;

/** Starts a node as a child process, healthy; it ends with this process, however that ends. */
export async function spawnToyNode(spec: ToyNodeSpec): Promise<ToyNode> {
  const waiting = new Map<number, (reply: ToyReply) => void>();
  let calls = 0;

  const child = Bun.spawn([process.execPath, new URL("child.ts", import.meta.url).pathname], {
    stdio: ["ignore", "inherit", "inherit"],
    ipc: (reply: ToyReply) => {
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    },
    onExit: () => {
      for (const [id, settle] of waiting) settle({ id, error: `Toy node ${spec.node} has ended`, counters: null });
      waiting.clear();
    },
  });

  async function call(what: Unsent<ToyCall>): Promise<NodeCounters | null> {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Toy node ${spec.node} has ended`);
    const reply = await new Promise<ToyReply>((resolve) => {
      calls += 1;
      waiting.set(calls, resolve);
      child.send({ ...what, id: calls });
    });
    if (reply.error !== null) throw new Error(`Cannot ${what.do} toy node ${spec.node}: ${reply.error}`);
    return reply.counters;
  }

  async function kill(): Promise<void> {
    child.kill("SIGKILL");
    await child.exited;
  }

  try {
    await call({ do: "start", spec });
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    name: spec.node,
    ip: spec.ip,
    behave: async (change) => void (await call({ do: "behave", change })),
    present: async (certificates) => void (await call({ do: "present", certificates })),
    counters: async () => {
      const counters = await call({ do: "counters" });
      if (counters === null) throw new Error(`Cannot count at toy node ${spec.node}: nothing came`);
      return counters;
    },
    kill,
    stop: kill,
  };
}
