/** The access log's formats: text for people, JSON for machines. */
import { formatEndpoint } from "../core/address.ts";
import type { HttpRecord } from "../seam/tunnel-state.ts";
import type { AccessRecord } from "./access-log.ts";

/** `2026-11-23T20:46:00.123Z https console.apps.hub.lab 10.0.0.9:51234 > hub 192.168.125.23:443 up=517 down=4096 dial=1ms total=53ms client closed` */
export function textLine(record: AccessRecord, wallMs: number): string {
  const http =
    record.http === null
      ? ""
      : ` "${printable(record.http.method)} ${printable(record.http.target)}" ${record.http.status || "-"}`;
  const where = record.cluster === null ? "-" : `${record.cluster} ${record.node ?? "-"}`;
  const dial = record.dialMs === null ? "-" : `${round(record.dialMs)}ms`;
  const note = record.note === null ? "" : ` (${printable(record.note)})`;
  return (
    `${isoTime(wallMs)} ${record.listener} ${printable(record.name ?? "-")} ${formatEndpoint(record.client.ip, record.client.port)} > ${where}${http}` +
    ` up=${record.up} down=${record.down} dial=${dial} total=${round(record.totalMs)}ms ${record.end}${note}`
  );
}

/** The same as one JSON object. */
export function jsonLine(record: AccessRecord, wallMs: number): string {
  return JSON.stringify({
    time: isoTime(wallMs),
    event: "access",
    listener: record.listener,
    client: formatEndpoint(record.client.ip, record.client.port),
    name: record.name,
    cluster: record.cluster,
    node: record.node,
    bytesUp: record.up,
    bytesDown: record.down,
    dialMs: record.dialMs === null ? null : round(record.dialMs),
    totalMs: round(record.totalMs),
    end: record.end,
    ...(record.note === null ? {} : { note: record.note }),
    ...(record.http === null ? {} : httpFields(record.http)),
  });
}

function httpFields({ method, target, status, answerMs }: HttpRecord): object {
  return { method, target, status, answerMs: answerMs === null ? null : round(answerMs) };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Names and targets come from clients: what could end the line or move a terminal's cursor is written as an escape. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return /[^\x21-\x7e]|"/.test(text) ? text.replaceAll(/[^\x20-\x7e]|"/g, escapeChar) : text;
}

function escapeChar(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

let second = -1;
let secondText = "";

/** ISO 8601 in UTC with milliseconds; the text is made once for each second. */
export function isoTime(wallMs: number): string {
  const whole = Math.floor(wallMs / 1_000);
  if (whole !== second) {
    second = whole;
    secondText = new Date(whole * 1_000).toISOString().slice(0, 19);
  }
  return `${secondText}.${String(Math.floor(wallMs - whole * 1_000)).padStart(3, "0")}Z`;
}
