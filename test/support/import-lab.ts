/**
 * Runs in network namespaces of their own, where every address of a file can be listened on. `nodes IP:PORT...`: toy nodes that say
 * who they are, until they are ended. `ask`: HAProxy on a file as it is, then edge-lb on what was imported, and the same questions to
 * both; jobs come on standard input, answers go to standard output, as JSON.
 */
import net from "node:net";
import { startEdgeLb } from "../../scripts/lab/edge-lb.ts";
import { program } from "../../scripts/lab/programs.ts";
import { hello, serverName } from "../core/tls/hello-builder.ts";

export interface Ask {
  readonly ip: string;
  readonly port: number;
  readonly speaks: "tls" | "http";
  readonly name: string | null;
}

export interface Job {
  /** The haproxy.cfg and what was imported of it. */
  readonly source: string;
  /** Null: edge-lb is not asked. */
  readonly yaml: string | null;
  /** Where HAProxy finds side files. */
  readonly folder: string;
  /** `ip:port` of toy nodes that only the machine itself reaches. */
  readonly nodes: readonly string[];
  readonly asks: readonly Ask[];
}

/** For each ask the node that answered, or as `whoAnswered` says. */
export interface Answers {
  readonly source: readonly string[];
  /** None where edge-lb is not asked. */
  readonly edge: readonly string[];
}

const GIVE_UP_MS = 10_000;

/** Says its own address to whoever sends something. */
function startNode(at: string): Promise<net.Server> {
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(at) ?? [];
  const server = net.createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (chunk) => {
      const isHttp = chunk.includes("HTTP/1.");
      socket.end(isHttp ? `HTTP/1.1 200 OK\r\nContent-Length: ${at.length + 5}\r\n\r\nNODE ${at}` : `NODE ${at}\n`);
    });
  });
  const { promise, resolve, reject } = Promise.withResolvers<net.Server>();
  server.once("error", reject);
  server.listen(Number(port), host, () => resolve(server));
  return promise;
}

function ask({ ip, port, speaks, name }: Ask): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = net.connect(port, ip);
  let text = "";
  const end = (): void => resolve(whoAnswered(text, name));
  socket.setTimeout(GIVE_UP_MS, () => resolve("no answer"));
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.once("close", end);
  socket.once("error", end);
  socket.write(firstBytes(speaks, name));
  return promise.finally(() => socket.destroy());
}

/** A node, or the proxy itself: with a redirect to https, with something else that is no refusal, or not at all. */
function whoAnswered(text: string, name: string | null): string {
  const node = /NODE (\S+)/.exec(text)?.[1];
  if (node !== undefined) return node;
  const status = Number(/^HTTP\/1\.\d (\d+)/.exec(text)?.[1] ?? 0);
  if (status === 0 || status >= 400) return "refused";
  return text.toLowerCase().includes(`\r\nlocation: https://${name}/`) ? "redirect" : "answer";
}

function firstBytes(speaks: Ask["speaks"], name: string | null): Uint8Array | string {
  if (speaks === "tls") return name === null ? hello() : hello(serverName(name));
  return name === null ? "GET / HTTP/1.0\r\n\r\n" : `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`;
}

async function listens(ip: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = net.connect(port, ip);
  socket.once("connect", () => resolve(true));
  socket.once("error", () => setTimeout(resolve, 20, false));
  return promise.finally(() => socket.destroy());
}

async function askHaproxy(job: Job, file: string): Promise<string[]> {
  // toy nodes are no API servers: health is not the question here
  await Bun.write(file, job.source.replaceAll(/^ *(option httpchk|http-check|default-server(?! disabled)) ?.*$/gm, ""));
  const child = Bun.spawn([program("haproxy"), "-db", "-f", file], {
    cwd: job.folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const errors = new Response(child.stderr).text();
  try {
    const deadline = performance.now() + GIVE_UP_MS;
    for (const { ip, port } of job.asks) {
      while (!(await listens(ip, port))) {
        if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${port}: ${await errors}`);
      }
    }
    return await Promise.all(job.asks.map(ask));
  } finally {
    child.kill("SIGTERM");
    await child.exited;
  }
}

async function askEdge(job: Job, file: string): Promise<string[]> {
  if (job.yaml === null) return [];
  await Bun.write(file, job.yaml.replaceAll(/^ {2}(\S+):$/gm, "  $1:\n    check: off"));
  const edge = await startEdgeLb(["--config", file, "--log-to", "stderr", "--workers", "1"]);
  try {
    return await Promise.all(job.asks.map(ask));
  } finally {
    await edge.stop();
  }
}

async function answer(job: Job): Promise<Answers> {
  const nodes = await Promise.all(job.nodes.map(startNode));
  const file = `${process.env["TMPDIR"] ?? "/tmp"}/edge-lb-import-${process.pid}`;
  try {
    return { source: await askHaproxy(job, `${file}.cfg`), edge: await askEdge(job, `${file}.yaml`) };
  } finally {
    for (const node of nodes) node.close();
  }
}

if (import.meta.main) {
  const [what, ...nodes] = process.argv.slice(2);
  if (what === "nodes") {
    await Promise.all(nodes.map(startNode));
    process.stdout.write("ready\n");
  } else {
    const jobs = JSON.parse(await Bun.stdin.text()) as Job[];
    const answers: Answers[] = [];
    for (const job of jobs) answers.push(await answer(job));
    process.stdout.write(`${JSON.stringify(answers)}\n`);
  }
}
