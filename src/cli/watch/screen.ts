/** One screen of the live view: exactly as many lines as fit, none wider than the terminal. */
import type { Status } from "../../control/status/report.ts";
import { ageText } from "../live/status-table.ts";
import { bytesText, listHead, listLines, unknownLines, type Line, type Tone } from "./rows.ts";
import { KEYS, type WatchState } from "./state.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What is told of the instance that does not answer; null: it does. */
export interface Screen {
  readonly status: Status;
  readonly view: WatchState;
  readonly trouble: string | null;
  readonly time: string;
}

/** Two lines about the instance, the list's head, the line of keys. */
const FIXED_LINES = 4;
/** Of the space, for names that nobody serves. */
const UNKNOWN_SHARE = 4;

export interface Layout {
  readonly list: readonly Line[];
  readonly unknown: readonly Line[];
  /** Lines of the list that fit. */
  readonly page: number;
  /** Lines of it that can be scrolled away. */
  readonly most: number;
}

export function layoutOf(status: Status, view: WatchState, { columns, rows }: Size): Layout {
  const unknown = unknownLines(status, view, Math.floor(rows / UNKNOWN_SHARE));
  const list = listLines(status, view, columns);
  const page = Math.max(1, rows - FIXED_LINES - unknown.length);
  return { list, unknown, page, most: Math.max(0, list.length - page) };
}

export function screenLines({ status, view, trouble, time }: Screen, size: Size): readonly Line[] {
  const head = [instanceLine(status, time), trafficLine(status, trouble)];
  if (view.help) return fitted([...head, ...helpLines()], statusBar(view, 0, 0), size);
  const { list, unknown, page, most } = layoutOf(status, view, size);
  const top = Math.min(view.top, most);
  const body = list.length === 0 ? [plain("nothing matches the filter")] : list.slice(top, top + page);
  const rest = list.length - top - body.length;
  const space = Array.from({ length: Math.max(0, page - body.length) }, () => plain(""));
  return fitted(
    [...head, listHead(size.columns), ...body, ...space, ...unknown],
    statusBar(view, top, Math.max(0, rest)),
    size,
  );
}

function plain(text: string): Line {
  return { text, tone: "plain" };
}

function instanceLine(status: Status, time: string): Line {
  const { release, engine, workers, uptimeSeconds, connections, stopping } = status;
  const parts = [
    `edge-lb ${release}`,
    `${engine}, ${workers} ${workers === 1 ? "worker" : "workers"}`,
    `up ${ageText(uptimeSeconds)}`,
    `${connections.open} of ${connections.limit} connections`,
    ...(stopping ? ["STOPPING"] : []),
  ];
  return { text: `${parts.join("  ")}  ${time}`, tone: "cluster" };
}

/** Rates and listeners, or what is wrong instead. */
function trafficLine({ rates, listeners, reload, file }: Status, trouble: string | null): Line {
  if (trouble !== null) return { text: trouble, tone: "bad" };
  if (reload.lastError !== null) {
    return { text: `last reload of ${file} changed nothing: ${reload.lastError}`, tone: "bad" };
  }
  const open = listeners.map(({ kind, address, connections }) => `${kind} ${address} ${connections}`).join("  ");
  const rate = `${rates.connections}/s  up ${bytesText(rates.bytesUp)}/s  down ${bytesText(rates.bytesDown)}/s`;
  return plain(`${rate}  ${open}`);
}

function helpLines(): readonly Line[] {
  return [plain(""), ...KEYS.map(([keys, help]) => plain(`  ${keys.padEnd(20)}${help}`))];
}

function statusBar({ sort, filter, typing, help }: WatchState, above: number, below: number): Line {
  if (help) return { text: "any key goes back", tone: "head" };
  if (typing) return { text: `filter: ${filter}_`, tone: "head" };
  const hidden = above + below === 0 ? "" : `  (${above} above, ${below} below)`;
  const kept = filter === "" ? "" : `  filter: ${filter}`;
  return { text: `s sort: ${sort}  / filter  n nodes  ? help  q quit${kept}${hidden}`, tone: "head" };
}

function fitted(lines: readonly Line[], last: Line, { columns, rows }: Size): readonly Line[] {
  const shown = lines.slice(0, Math.max(0, rows - 1));
  while (shown.length < rows - 1) shown.push(plain(""));
  return [...shown, last].map(({ text, tone }) => ({ text: cut(text, columns), tone }));
}

/** Strangers choose some of these texts: what is no printable ASCII never reaches the terminal. */
function cut(text: string, columns: number): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, Math.max(0, columns));
}

/** Select Graphic Rendition (ECMA-48 §8.3.117). */
const COLOURS: Readonly<Record<Tone, string>> = {
  head: "7",
  cluster: "1",
  good: "32",
  bad: "31",
  middling: "33",
  plain: "",
};
/** Bold and reverse are no colours: they stay. */
const MONOCHROME: Readonly<Record<Tone, string>> = { ...COLOURS, good: "", bad: "1", middling: "" };

/** The bytes that draw a screen over the one before, without a flicker. */
export function drawing(lines: readonly Line[], colour: boolean): string {
  const codes = colour ? COLOURS : MONOCHROME;
  const drawn = lines.map(({ text, tone }) => {
    const code = codes[tone];
    return `${code === "" ? text : `\u001b[${code}m${text}\u001b[0m`}\u001b[K`;
  });
  return `\u001b[H${drawn.join("\r\n")}\u001b[J`;
}
