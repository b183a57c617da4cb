/** The parent's side of a toy node in a process of its own. */
import type { ToyCall, ToyReply } from "./child.ts";
import type { BehaviourChange, NodeCertificates, NodeCounters, ToyNode, ToyNodeSpec } from "./node.ts";

type Unsent<Call> = Call extends ToyCall ? Omit<Call, "id"> : never;

/**
 * Starts a node as a child process, healthy; it ends with this process, however that ends.
 * @param prefix Put before a command line, it runs in another network.
 */
export async function spawnToyNode(spec: ToyNodeSpec, prefix: readonly string[] = []): Promise<ToyNode> {
  const node = new ToyProcess(spec, prefix);
  await node.start();
  return node;
}

class ToyProcess implements ToyNode {
  readonly name: string;
  readonly ip: string;
  private readonly spec: ToyNodeSpec;
  private readonly child: Bun.Subprocess<"ignore", "inherit", "inherit">;
  private readonly waiting = new Map<number, (reply: ToyReply) => void>();
  private calls = 0;

  constructor(spec: ToyNodeSpec, prefix: readonly string[]) {
    this.spec = spec;
    this.name = spec.node;
    this.ip = spec.ip;
    this.child = Bun.spawn([...prefix, process.execPath, new URL("child.ts", import.meta.url).pathname], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (reply: ToyReply) => {
        this.waiting.get(reply.id)?.(reply);
        this.waiting.delete(reply.id);
      },
      onExit: () => {
        for (const [id, settle] of this.waiting) settle({ id, error: this.ended(), counters: null });
        this.waiting.clear();
      },
    });
  }

  async start(): Promise<void> {
    try {
      await this.call({ do: "start", spec: this.spec });
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  async behave(change: BehaviourChange): Promise<void> {
    await this.call({ do: "behave", change });
  }

  async present(certificates: Partial<NodeCertificates>): Promise<void> {
    await this.call({ do: "present", certificates });
  }

  async counters(): Promise<NodeCounters> {
    const counters = await this.call({ do: "counters" });
    if (counters === null) throw new Error(`Cannot count at toy node ${this.name}: nothing came`);
    return counters;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.child.exited;
  }

  stop(): Promise<void> {
    return this.kill();
  }

  private async call(what: Unsent<ToyCall>): Promise<NodeCounters | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) throw new Error(this.ended());
    const reply = await new Promise<ToyReply>((resolve) => {
      this.calls += 1;
      this.waiting.set(this.calls, resolve);
      this.child.send({ ...what, id: this.calls });
    });
    if (reply.error !== null) throw new Error(`Cannot ${what.do} toy node ${this.name}: ${reply.error}`);
    return reply.counters;
  }

  private ended(): string {
    return `Toy node ${this.name} has ended`;
  }
}
