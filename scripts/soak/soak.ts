/**
 * The soak of the linux engine: a relay, a node and clients, three processes, all on the engine itself.
 * It ends with what leaked and what was wrong; `npm run soak` runs the long form, the tests a short one.
 */
import { join } from "node:path";
import type { Kind } from "./plan.ts";
import type { Tally } from "./end.ts";

export interface SoakOptions {
  readonly shorts: number;
  readonly tunnels: number;
  readonly passes: number;
  /** Bytes of each bulk stream, and how many. */
  readonly bulkBytes: number;
  readonly bulks: number;
  /** Upper bound of each part, in seconds: a part that takes longer stops early and says how much it did. */
  readonly secondsPerPart: number;
  /** Relay, node and clients check every invariant. */
  readonly debug: boolean;
  readonly seed: number;
  /** Called now and then with a line for people. */
  readonly say?: (line: string) => void;
}

interface RelayState {
  readonly port: number;
  readonly open: number;
  readonly rssKb: number;
  readonly fds: { readonly all: number; readonly pipes: number; readonly sockets: number };
  readonly counts: Readonly<Record<string, number>>;
}

interface NodeState {
  readonly port: number;
  readonly open: number;
  readonly tally: Tally;
}

export interface SoakReport {
  readonly connections: number;
  readonly bytes: number;
  readonly wrong: number;
  readonly incomplete: number;
  readonly failedDials: number;
  readonly faults: number;
  /** Sockets and tunnels of the relay that outlived their connections. */
  readonly leakedSockets: number;
  readonly leftOpen: number;
  /** Descriptors of the relay's idle pipes: the pool keeps some. */
  readonly pipeDescriptors: number;
  /** The relay's resident memory, idle, after warm-up and at the end, in KB. */
  readonly rssKb: { readonly warm: number; readonly end: number };
  readonly examples: readonly string[];
}

/** A child that writes its state as lines of JSON. */
class Child<State> {
  private readonly process: Bun.Subprocess<"ignore", "pipe", "inherit">;
  private readonly waiting: ((state: State) => void)[] = [];
  last: State | null = null;

  constructor(file: string, args: readonly (string | number)[]) {
    const path = join(import.meta.dir, file);
    this.process = Bun.spawn([process.execPath, path, ...args.map(String)], { stdout: "pipe", stderr: "inherit" });
    void this.read();
  }

  private async read(): Promise<void> {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of this.process.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) this.take(JSON.parse(line) as State);
    }
  }

  private take(state: State): void {
    this.last = state;
    for (const wake of this.waiting.splice(0)) wake(state);
  }

  /** The next state that is told from now on; fails when the child ends first. */
  next(): Promise<State> {
    const told = new Promise<State>((resolve) => void this.waiting.push(resolve));
    const gone = this.process.exited.then((code) => {
      if (this.last !== null && code === 0) return this.last;
      throw new Error(`A process of the soak ended with ${code}`);
    });
    return Promise.race([told, gone]);
  }

  async until(holds: (state: State) => boolean, ms: number): Promise<State> {
    const deadline = performance.now() + ms;
    for (;;) {
      const state = await this.next();
      if (holds(state) || performance.now() > deadline) return state;
    }
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }
}

/** Long enough for stalls, half-closes and the kernel's own retries to end. */
const SETTLE_MS = 20_000;

export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const mode = options.debug ? "debug" : "plain";
  const node = new Child<NodeState>("node.ts", [mode]);
  const relay = await startRelay(node, mode);
  try {
    return await play(options, node, relay, mode);
  } finally {
    relay.stop();
    node.stop();
  }
}

async function startRelay(node: Child<NodeState>, mode: string): Promise<Child<RelayState>> {
  const { port } = await node.next();
  return new Child<RelayState>("relay.ts", [port, mode]);
}

async function play(
  options: SoakOptions,
  node: Child<NodeState>,
  relay: Child<RelayState>,
  mode: string,
): Promise<SoakReport> {
  const { port, fds: before } = await relay.next();
  const total = { connections: 0, wrong: 0, incomplete: 0, failedDials: 0, examples: [] as string[] };
  const run = async (kind: Kind, count: number, concurrency: number, seed: number): Promise<void> => {
    if (count <= 0) return;
    const args = [port, kind, count, concurrency, seed, options.bulkBytes, options.secondsPerPart, mode];
    const client = new Child<Tally & { started: number; failedDials: number }>("client.ts", args);
    const done = await client.next();
    total.connections += done.started;
    total.wrong += done.wrong;
    total.incomplete += done.incomplete;
    total.failedDials += done.failedDials;
    total.examples.push(...done.examples);
    options.say?.(
      `${kind}: ${done.started} connections, ${done.bytes} bytes, ${done.wrong} wrong, ${done.incomplete} incomplete, ${done.resets} resets, ${done.failedDials} dials failed`,
    );
  };
  const part = (share: number, seed: number): Promise<void>[] => [
    run("short", Math.floor(options.shorts * share), 64, seed),
    run("tunnel", Math.floor(options.tunnels * share), 32, seed + 1_000_000_000),
    run("pass", Math.floor(options.passes * share), 16, seed + 2_000_000_000),
    run("bulk", Math.floor(options.bulks * share), 4, seed + 3_000_000_000),
  ];
  await Promise.all(part(0.25, options.seed)); // warm-up: code is compiled, pools and buffers have their size
  const warm = await settled(relay);
  options.say?.(`warm: ${JSON.stringify(warm)}`);
  await Promise.all(part(0.75, options.seed + 500_000_000));
  const end = await settled(relay);
  const served = await node.until((state) => state.open === 0, SETTLE_MS);
  options.say?.(`end: ${JSON.stringify(end)}`);
  return {
    connections: total.connections,
    bytes: (end.counts["up"] ?? 0) + (end.counts["down"] ?? 0) + (end.counts["spliced"] ?? 0),
    wrong: total.wrong + served.tally.wrong,
    incomplete: total.incomplete + served.tally.incomplete,
    failedDials: total.failedDials,
    faults: end.counts["faults"] ?? 0,
    leakedSockets: end.fds.sockets - before.sockets,
    leftOpen: end.open,
    pipeDescriptors: end.fds.pipes - before.pipes,
    rssKb: { warm: warm.rssKb, end: end.rssKb },
    examples: [...total.examples, ...served.tally.examples].slice(0, 10),
  };
}

/** The relay with nothing open; its memory is the least of the looks, all else the last. */
async function settled(relay: Child<RelayState>): Promise<RelayState> {
  let last = await relay.until(({ open }) => open === 0, SETTLE_MS);
  let rssKb = last.rssKb;
  for (let look = 0; look < 10; look++) {
    last = await relay.next();
    rssKb = Math.min(rssKb, last.rssKb);
  }
  return { ...last, rssKb };
}
