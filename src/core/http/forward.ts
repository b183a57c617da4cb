/** Writes heads for the next hop: hop-by-hop fields are left out, edge-lb's own are added, every other byte stays as it came. */
import { formatEndpoint, formatHost } from "../address.ts";
import { ascii } from "../text-bytes.ts";
import { FIELD, FORWARDED, isForwarded } from "../message/field.ts";
import { isNamed, type ReadHead } from "../message/framing.ts";
import type { Gather } from "../message/gather.ts";
import { FIELD_ID, FIELD_WIDTH, LINE_FROM, lineEnd, VALUE_FROM, VALUE_TO } from "../message/head.ts";
import type { Request, RequestHead } from "../message/request.ts";
import type { Response, ResponseHead } from "../message/response.ts";

/** The port that an authority does not name. */
const HTTP_PORT = 80;

/** What edge-lb knows of the client; one per connection. */
export interface ClientInfo {
  readonly ip: string;
  /** The address and port the client connected to. */
  readonly localIp: string;
  readonly port: number;
  /** What it says of the client before it is believed: the address is appended, the rest stays. */
  readonly trusted: boolean;
  /** Write RFC 7239's Forwarded, too. */
  readonly forwarded: boolean;
}

/** The lines that end a request's head. On a kept-alive connection they are nearly always the same, so the last ones are remembered. */
export class AddedLines {
  private bytes = ascii("");
  private hostText: string | null = null;
  private client: ClientInfo | null = null;
  private seen = 0;
  private connection = "";

  /** @param seen A bit per forwarded field that stayed. @param connection A Connection line, or nothing. */
  of(hostText: string | null, client: ClientInfo, seen: number, connection: string): Uint8Array {
    const same = this.hostText === hostText && this.client === client && this.seen === seen;
    if (same && this.connection === connection) return this.bytes;
    this.hostText = hostText;
    this.client = client;
    this.seen = seen;
    this.connection = connection;
    this.bytes = ascii(`${forwardedLines(hostText, client, seen)}${connection}\r\n`);
    return this.bytes;
  }
}

/** The request's head for the node. */
export function forwardRequest(
  head: RequestHead,
  request: Request,
  client: ClientInfo,
  lines: AddedLines,
  out: Gather,
): void {
  forwardLine(head, request, out);
  const seen = forwardFields(head, request, client, out);
  // HTTP/1.1 wants one; of a request that names none RFC 9110 §7.1 makes out the address it came to
  if (!request.hasHost) out.addText(`Host: ${request.hostText ?? authorityOf(client)}\r\n`);
  const connection = connectionLine(request.upgrade, request.close);
  const added = lines.of(request.hostText, client, seen, connection);
  out.add(added, 0, added.length);
}

function forwardLine({ bytes, start, from, fields, end }: RequestHead, request: Request, out: Gather): void {
  const lineEnd = fields[LINE_FROM] ?? end - 2;
  // a node is an origin: RFC 9112 §3.2.1 wants the path alone, and §3.2.4 `*` for OPTIONS without a path
  const absolute = request.form === "absolute";
  out.add(bytes, from, absolute ? start.targetFrom : start.targetTo);
  if (absolute && bytes[request.pathFrom] !== 0x2f) out.addText(starFor(request) ? "*" : "/");
  if (absolute) out.add(bytes, request.pathFrom, start.targetTo);
  if (request.minor === 1) return out.add(bytes, start.targetTo, lineEnd);
  out.addText(" HTTP/1.1\r\n"); // a proxy speaks its own version: RFC 9110 §6.2
  return undefined;
}

function authorityOf({ localIp, port }: ClientInfo): string {
  return port === HTTP_PORT ? formatHost(localIp) : formatEndpoint(localIp, port);
}

function connectionLine(upgrade: boolean, close: boolean): string {
  if (!upgrade) return close ? "Connection: close\r\n" : "";
  return close ? "Connection: Upgrade, close\r\n" : "Connection: Upgrade\r\n";
}

function starFor(request: Request): boolean {
  return request.method === "OPTIONS" && request.pathFrom === request.pathTo;
}

/** The fields, in as few runs of bytes as possible. @returns a bit per forwarded field that stayed. */
function forwardFields(head: RequestHead, request: Request, client: ClientInfo, out: Gather): number {
  const { bytes, fields } = head;
  if ((head.seen & TOUCHED) === 0) {
    out.add(bytes, fields[LINE_FROM] ?? head.end - 2, head.end - 2);
    return 0;
  }
  const { trusted } = client;
  const lastFor = trusted ? lastField(fields, FIELD.forwardedFor) : -1;
  const last = trusted && client.forwarded ? lastField(fields, FIELD.forwarded) : -1;
  let seen = 0;
  let run = fields[LINE_FROM] ?? head.end - 2;
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    const id = fields[i + FIELD_ID] ?? FIELD.other;
    if (staysInRequest(head, request, i, id, trusted)) {
      if (id === FIELD.maxForwards && request.maxForwards !== null) {
        out.add(bytes, run, fields[i + VALUE_FROM] ?? 0);
        out.addText(String(request.maxForwards - 1));
        run = fields[i + VALUE_TO] ?? 0;
      }
      if (!isForwarded(id)) continue;
      seen |= 1 << id;
      if (i !== lastFor && i !== last) continue;
      out.add(bytes, run, fields[i + VALUE_TO] ?? 0);
      out.addText(`, ${i === lastFor ? client.ip : forwardedElement(request.hostText, client)}\r\n`);
    } else {
      out.add(bytes, run, fields[i + LINE_FROM] ?? 0);
    }
    run = lineEnd(head, i);
  }
  out.add(bytes, run, head.end - 2);
  return seen;
}

/** Fields that forwarding may leave out or change. A field that Connection names needs no bit: Connection itself has one. */
const TOUCHED =
  (1 << FIELD.connection) |
  (1 << FIELD.keepAlive) |
  (1 << FIELD.proxyConnection) |
  (1 << FIELD.te) |
  (1 << FIELD.upgrade) |
  (1 << FIELD.http2Settings) |
  (1 << FIELD.maxForwards) |
  FORWARDED;

function lastField(fields: readonly number[], id: number): number {
  for (let i = fields.length - FIELD_WIDTH; i >= 0; i -= FIELD_WIDTH) if (fields[i + FIELD_ID] === id) return i;
  return -1;
}

function staysInRequest(head: ReadHead, request: Request, index: number, id: number, trusted: boolean): boolean {
  if (id === FIELD.upgrade) return request.upgrade;
  if (endsHere(id) || (isForwarded(id) && !trusted)) return false;
  return request.hopByHop.length === 0 || isForwarded(id) || !isNamed(head, index, request.hopByHop);
}

/** Hop-by-hop whether Connection names them or not; RFC 9110 §7.6.1. Transfer-Encoding stays: the body passes as it is framed. */
function endsHere(id: number): boolean {
  return (
    id === FIELD.connection ||
    id === FIELD.keepAlive ||
    id === FIELD.proxyConnection ||
    id === FIELD.te ||
    id === FIELD.http2Settings
  );
}

function forwardedLines(hostText: string | null, client: ClientInfo, seen: number): string {
  const { ip, port } = client;
  let text = "";
  if ((seen & (1 << FIELD.forwardedFor)) === 0) text += `X-Forwarded-For: ${ip}\r\n`;
  if ((seen & (1 << FIELD.forwardedProto)) === 0) text += "X-Forwarded-Proto: http\r\n";
  if ((seen & (1 << FIELD.forwardedHost)) === 0 && hostText !== null) text += `X-Forwarded-Host: ${hostText}\r\n`;
  if ((seen & (1 << FIELD.forwardedPort)) === 0) text += `X-Forwarded-Port: ${port}\r\n`;
  if (client.forwarded && (seen & (1 << FIELD.forwarded)) === 0) {
    text += `Forwarded: ${forwardedElement(hostText, client)}\r\n`;
  }
  return text;
}

/** This hop as RFC 7239 §4 writes it; what is no token stands in quotes, as all addresses of IPv6 must (§6). */
function forwardedElement(hostText: string | null, { ip }: ClientInfo): string {
  const host = hostText === null ? "" : `;host=${wordOf(hostText)}`;
  return `for=${wordOf(formatHost(ip))}${host};proto=http`;
}

function wordOf(text: string): string {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/**
 * The response's head for the client; untouched when nothing in it ends here.
 * @param close The client's connection ends after this answer: say so.
 */
export function forwardResponse(head: ResponseHead, response: Response, close: boolean, out: Gather): void {
  const { bytes, from, end } = head;
  // RFC 9110 §6.2: a proxy speaks its own version, and a client that read 1.0 would take the connection for closed
  if (response.minor === 0) {
    out.add(bytes, from, from + 7);
    out.addText("1");
  }
  let run = response.minor === 0 ? from + 8 : from;
  if ((head.seen & TOUCHED) !== 0 || response.unframed || response.unchunked)
    run = forwardSome(head, response, run, out);
  const line = connectionLine(response.upgrade, close && response.status >= 200);
  if (line === "") return out.add(bytes, run, end);
  out.add(bytes, run, end - 2);
  out.addText(line);
  return out.add(bytes, end - 2, end);
}

/** @returns Where the bytes begin that are not yet in `out`. */
function forwardSome(head: ResponseHead, response: Response, from: number, out: Gather): number {
  const { bytes, fields } = head;
  let run = from;
  for (let i = 0; i < fields.length; i += FIELD_WIDTH) {
    const id = fields[i + FIELD_ID] ?? FIELD.other;
    if (staysInResponse(head, response, i, id)) continue;
    out.add(bytes, run, fields[i + LINE_FROM] ?? 0);
    run = lineEnd(head, i);
  }
  return run;
}

function staysInResponse(head: ReadHead, response: Response, index: number, id: number): boolean {
  if (id === FIELD.upgrade) return response.upgrade;
  if (id === FIELD.contentLength) return !response.unframed;
  if (id === FIELD.transferEncoding) return !response.unframed && !response.unchunked;
  if (endsHere(id)) return false;
  return response.hopByHop.length === 0 || !isNamed(head, index, response.hopByHop);
}
