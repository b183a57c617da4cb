/** `edge-lb tail`: connections at their end and what edge-lb says, live. */
import { anyText, single, toggle } from "../line/command-option.ts";
import { findClient, openClient, type Client } from "../live/client.ts";
import { command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { LIVE } from "../live/live-command.ts";

export const TAIL = command({
  name: "tail",
  help: "Show connections and events of the edge-lb that runs, as they come",
  ...LIVE,
  options: {
    cluster: single("C", "Of one cluster only", anyText),
    name: single("GLOB", "Connections whose name matches: '*.apps.hub.lab'", anyText),
    failed: toggle("Only what went wrong"),
    json: toggle("One JSON object a line"),
  },
  synonyms: ["logs", "log", "follow"],
  async run({ options, settings, io }) {
    const { cluster, name, failed, json } = options;
    const query = new URLSearchParams({
      ...(cluster === null ? {} : { cluster }),
      ...(name === null ? {} : { name }),
      ...(failed ? { failed: "1" } : {}),
    });
    for (let client: Client | null = await openClient(settings, io); client !== null;) {
      try {
        for await (const line of linesOf(client.stream(`tail?${query}`))) {
          io.out(`${json ? line : lineText(JSON.parse(line) as Shown)}\n`);
          if ((await io.flush()) !== null) return EXIT.done; // a reader that is slow is waited for; edge-lb is not held up
        }
      } finally {
        client.close();
      }
      client = await next(settings, io);
    }
    return EXIT.done;
  },
});

const NEXT_MS = 100;

/** It ended, or another edge-lb has its place by now. */
async function next(...where: Parameters<typeof findClient>): Promise<Client | null> {
  await new Promise((resolve) => void setTimeout(resolve, NEXT_MS));
  return findClient(...where).catch(() => null);
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
}

/** What comes: a connection, or what edge-lb says. */
type Shown =
  | Connection
  | { readonly event: string; readonly time: string; readonly level: string; readonly message: string };

interface Connection {
  readonly event: "access";
  readonly time: string;
  readonly listener: string;
  readonly client: string;
  readonly name: string | null;
  readonly cluster: string | null;
  readonly node: string | null;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly dialMs: number | null;
  readonly totalMs: number;
  readonly end: string;
  readonly note?: string;
  readonly method?: string;
  readonly target?: string;
  readonly status?: number;
}

/** The same line as in the text log. */
export function lineText(shown: Shown): string {
  if (!isConnection(shown))
    return `${shown.time} ${shown.level === "info" ? "" : `${shown.level}: `}${plain(shown.message)}`;
  const { time, listener, client, name, cluster, node, bytesUp, bytesDown, dialMs, totalMs, end, note, method } = shown;
  const http = method === undefined ? "" : ` "${plain(method)} ${plain(shown.target ?? "")}" ${shown.status || "-"}`;
  const where = cluster === null ? "-" : `${cluster} ${node ?? "-"}`;
  const counts = `up=${bytesUp} down=${bytesDown} dial=${dialMs === null ? "-" : `${dialMs}ms`} total=${totalMs}ms`;
  return `${time} ${listener} ${plain(name ?? "-")} ${client} > ${where}${http} ${counts} ${end}${note === undefined ? "" : ` (${plain(note)})`}`;
}

function isConnection(shown: Shown): shown is Connection {
  return shown.event === "access";
}

/** Names and targets come from clients: nothing of them moves a terminal's cursor. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]|"/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
