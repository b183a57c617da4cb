/** HAProxy's tcplog and httplog, field for field, for the tools that read them (halog, parsers, dashboards). */
import { formatEndpoint } from "../core/address.ts";
import { activeOf, countOf, type Board } from "../seam/board.ts";
import type { EndReason } from "../seam/tallies.ts";
import type { AccessRecord, FormatLine } from "./access-log.ts";
import { printable } from "./log-lines.ts";
import { MONTHS } from "../core/http/date.ts";

/**
 * Two letters: who or what ended it, and in which phase (HAProxy's configuration manual, "Session state at disconnection").
 * C client, S server, P proxy, R resource, L local, D server marked down, K killed by the operator, I internal;
 * c and s: their timeouts. R request, C connect, H response head, D data.
 */
const STATES: Readonly<Record<EndReason, string>> = {
  done: "--",
  redirected: "LR",
  "client closed": "--",
  "node closed": "--",
  "client reset": "CD",
  "node reset": "SD",
  idle: "cD",
  "half-closed": "cD",
  "cut: node down": "DD",
  "cut: drain": "KD",
  "cut: removed": "KD",
  "cut: not allowed": "KD",
  "cut: shutdown": "KD",
  "unknown name": "SC",
  "no name": "SC",
  "node down": "SC",
  "not allowed": "PR",
  "limit reached": "RC",
  "not TLS": "PR",
  "bad PROXY header": "PR",
  "hello timeout": "cR",
  malformed: "PR",
  "client gone": "CC",
  "bad request": "PR",
  "bad answer": "PH",
  "head timeout": "cR",
  "body timeout": "cD",
  "internal error": "ID",
};

/** What HAProxy would call it: in HTTP an answer that a side cut short is no normal end. */
const HTTP_STATES: Readonly<Partial<Record<EndReason, string>>> = {
  "client closed": "CD",
  "node closed": "SD",
  idle: "sH",
};

/** The line as HAProxy hands it to syslog; date, host and program are the sink's. */
export function haproxyFormat(board: Board): FormatLine {
  return (record, wallMs) =>
    record.http === null ? tcpLine(record, wallMs, board) : httpLine(record, record.http, wallMs, board);
}

/**
 * `%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq`, and the name asked for in the braces of a capture,
 * which HAProxy's own tcplog lacks.
 */
function tcpLine(record: AccessRecord, wallMs: number, board: Board): string {
  const queued = record.node === null ? -1 : 0;
  const times = `${queued}/${whole(record.dialMs)}/${whole(record.totalMs)}`;
  return `${head(record, wallMs)} ${times} ${record.down} ${STATES[record.end]} ${loads(record, board)} 0/0${capture(record)}`;
}

/** `%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %{+Q}r`; captured is the Host */
function httpLine(record: AccessRecord, http: NonNullable<AccessRecord["http"]>, wallMs: number, board: Board): string {
  const queued = record.node === null ? -1 : 0;
  const answered = record.node === null ? -1 : whole(http.answerMs); // %Tr is the node's
  const times = `0/${queued}/${whole(record.dialMs)}/${answered}/${whole(record.totalMs)}`;
  const state = `${HTTP_STATES[record.end] ?? STATES[record.end]}--`;
  const request = http.method === "-" ? "<BADREQ>" : `${printable(http.method)} ${printable(http.target)} HTTP/1.1`;
  const answer = `${http.status === 0 ? -1 : http.status} ${record.down} - - ${state}`;
  return `${head(record, wallMs)} ${times} ${answer} ${loads(record, board)} 0/0${capture(record)} "${request}"`;
}

function capture({ name }: AccessRecord): string {
  return name === null ? "" : ` {${printable(name)}}`;
}

/** Client, accept date, frontend, backend and server; without a cluster the backend is the frontend, as in HAProxy. */
function head({ client, listener, cluster, node, totalMs }: AccessRecord, wallMs: number): string {
  const backend = cluster === null ? listener : `${listener}_${cluster}`;
  const server = node ?? "<NOSRV>";
  return `${formatEndpoint(client.ip, client.port)} [${acceptTime(wallMs - totalMs)}] ${listener} ${backend}/${server}`;
}

/** actconn/feconn/beconn/srvconn/retries: as they are now, this one included as in HAProxy where it is still open. */
function loads({ cells, attempts }: AccessRecord, board: Board): string {
  const all = countOf(board, "open");
  const backend = cells === null ? 0 : activeOf(board, cells.pool);
  const server = cells === null ? 0 : activeOf(board, cells.endpoint);
  return `${all}/${all}/${backend}/${server}/${Math.max(0, attempts - 1)}`;
}

function whole(ms: number | null): number {
  return ms === null ? -1 : Math.round(ms);
}

/** `23/Nov/2026:20:46:00.123`, in UTC like every other time edge-lb writes. */
function acceptTime(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(8, 10)}/${monthOf(iso)}/${iso.slice(0, 4)}:${iso.slice(11, 23)}`;
}

function monthOf(iso: string): string {
  return MONTHS[Number(iso.slice(5, 7)) - 1] ?? "";
}
