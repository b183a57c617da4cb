/**
 * Asks a name server: `bun scripts/bench/dns-asker.ts '{"ip":…,"port":…,"name":…}'`. One command in JSON per line on stdin, one reply per line on stdout;
 * the end of stdin ends it.
 */
import packet from "dns-packet";
import type { At } from "./net.ts";

export interface AskerSpec extends At {
  /** Names below it are asked for. */
  readonly domain: string;
}

export type AskerCommand =
  /** As fast as answers come, with so many questions under way. */
  | { readonly run: "all"; readonly underWay: number; readonly seconds: number }
  /** So many a second, whether answers come or not. */
  | { readonly run: "paced"; readonly aSecond: number; readonly seconds: number };

export interface AskerReply {
  readonly asked: number;
  readonly answered: number;
  readonly seconds: number;
}

/** Different questions: more than a page of consoles has. */
const NAMES = 64;
const spec: AskerSpec = JSON.parse(process.argv[2] ?? "");
const questions = Array.from({ length: NAMES }, (_, at) =>
  packet.encode({
    type: "query",
    flags: packet.RECURSION_DESIRED,
    questions: [{ type: at % 2 === 0 ? "A" : "AAAA", class: "IN", name: `app-${at}.apps.${spec.domain}` }],
  }),
);
let [asked, answered] = [0, 0];
let onAnswer: () => void = () => undefined;
const socket = await Bun.udpSocket({
  connect: { hostname: spec.ip, port: spec.port },
  socket: {
    data() {
      answered += 1;
      onAnswer();
    },
  },
});

function ask(): void {
  const question = questions[asked % NAMES] ?? Buffer.alloc(0);
  question.writeUInt16BE(asked & 0xffff, 0);
  if (socket.send(question)) asked += 1;
}

async function askAll(underWay: number, seconds: number): Promise<void> {
  onAnswer = ask;
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs) {
    // those that were lost are asked anew
    for (let missing = underWay - Math.max(0, asked - answered); missing > 0; missing--) ask();
    await Bun.sleep(50);
    if (asked - answered >= underWay) answered = asked - underWay / 2;
  }
  onAnswer = () => undefined;
}

async function askPaced(aSecond: number, seconds: number): Promise<void> {
  const startMs = performance.now();
  for (let nowMs = startMs; nowMs - startMs < seconds * 1_000; nowMs = performance.now()) {
    const due = Math.min(((nowMs - startMs) / 1_000) * aSecond, asked + aSecond / 20);
    while (asked < due) ask();
    await Bun.sleep(1);
  }
}

for await (const line of console) {
  const command: AskerCommand = JSON.parse(line);
  [asked, answered] = [0, 0];
  const startMs = performance.now();
  if (command.run === "all") await askAll(command.underWay, command.seconds);
  else await askPaced(command.aSecond, command.seconds);
  const seconds = (performance.now() - startMs) / 1_000;
  await Bun.sleep(50);
  console.log(JSON.stringify({ asked, answered, seconds } satisfies AskerReply));
}
process.exit(0);
