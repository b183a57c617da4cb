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
  /** False: the relay sends and closes with plain calls. */
  readonly ring: boolean;
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
  const relay = await startRelay(node, [mode, options.ring ? "ring" : "calls"]);
  try {
    return await play(options, node, relay, mode);
  } finally {
    relay.stop();
    node.stop();
  }
}

async function startRelay(node: Child<NodeState>, modes: readonly string[]): Promise<Child<RelayState>> {
  const { port } = await node.next();
  return new Child<RelayState>("relay.ts", [port, ...modes]);
}

async function play(
  options: SoakOptions,
  node: Child<NodeState>,
  relay: Child<RelayState>,
  mode: string,
): Promise<SoakReport> {
  const { port, fds: before } = await relay.next();
  const clients = new Clients(options, port, mode);
  await clients.part(0.25, options.seed); // warm-up: code is compiled, pools and buffers have their size
  const warm = await settled(relay);
  options.say?.(`warm: ${JSON.stringify(warm)}`);
  await clients.part(0.75, options.seed + 500_000_000);
  const end = await settled(relay);
  const { tally } = await node.until((state) => state.open === 0, SETTLE_MS);
  options.say?.(`end: ${JSON.stringify(end)}`);
  return {
    connections: clients.connections,
    bytes: (end.counts["up"] ?? 0) + (end.counts["down"] ?? 0) + (end.counts["spliced"] ?? 0),
    wrong: clients.wrong + tally.wrong,
    incomplete: clients.incomplete + tally.incomplete,
    failedDials: clients.failedDials,
    faults: end.counts["faults"] ?? 0,
    leakedSockets: end.fds.sockets - before.sockets,
    leftOpen: end.open,
    pipeDescriptors: end.fds.pipes - before.pipes,
    rssKb: { warm: warm.rssKb, end: end.rssKb },
    examples: [...clients.examples, ...tally.examples].slice(0, 10),
  };
}

/** The processes of clients, and what they counted. */
class Clients {
  private readonly options: SoakOptions;
  private readonly port: number;
  private readonly mode: string;
  connections = 0;
  wrong = 0;
  incomplete = 0;
  failedDials = 0;
  readonly examples: string[] = [];

  constructor(options: SoakOptions, port: number, mode: string) {
    this.options = options;
    this.port = port;
    this.mode = mode;
  }

  /** This share of all connections, the four kinds at the same time. */
  async part(share: number, seed: number): Promise<void> {
    const { shorts, tunnels, passes, bulks } = this.options;
    await Promise.all([
      this.run("short", Math.floor(shorts * share), 64, seed),
      this.run("tunnel", Math.floor(tunnels * share), 32, seed + 1_000_000_000),
      this.run("pass", Math.floor(passes * share), 16, seed + 2_000_000_000),
      this.run("bulk", Math.floor(bulks * share), 4, seed + 3_000_000_000),
    ]);
  }

  private async run(kind: Kind, count: number, concurrency: number, seed: number): Promise<void> {
    if (count <= 0) return;
    const { bulkBytes, secondsPerPart, say } = this.options;
    const args = [this.port, kind, count, concurrency, seed, bulkBytes, secondsPerPart, this.mode];
    const client = new Child<Tally & { started: number; failedDials: number }>("client.ts", args);
    const done = await client.next();
    this.connections += done.started;
    this.wrong += done.wrong;
    this.incomplete += done.incomplete;
    this.failedDials += done.failedDials;
    this.examples.push(...done.examples);
    say?.(
      `${kind}: ${done.started} connections, ${done.bytes} bytes, ${done.wrong} wrong, ${done.incomplete} incomplete, ${done.resets} resets, ${done.failedDials} dials failed`,
    );
  }
}

/** The relay with nothing open; its memory is the least of ten readings, all else the last. */
async function settled(relay: Child<RelayState>): Promise<RelayState> {
  let last = await relay.until(({ open }) => open === 0, SETTLE_MS);
  let rssKb = last.rssKb;
  for (let reading = 0; reading < 10; reading++) {
    last = await relay.next();
    rssKb = Math.min(rssKb, last.rssKb);
  }
  return { ...last, rssKb };
}
