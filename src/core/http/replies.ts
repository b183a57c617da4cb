/** The replies there are, each with its words. None of them names a node's address or a cluster that was not asked for. */
import type { EndWord, Reply } from "./reply.ts";
import type { RequestFault } from "../message/request.ts";
import type { ResponseFault } from "../message/response.ts";

/** Methods that pass; RFC 9110 §15.5.6 wants them in a 405. */
const ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";
/** Health is asked every few seconds: sooner there is nothing new. */
const RETRY_SECONDS = "5";

type Extra = readonly (readonly [string, string])[];
const NONE: Extra = [];

function reply(
  status: number,
  end: EndWord,
  lines: readonly string[],
  fields: Extra = NONE,
  note: string | null = null,
): Reply {
  return { kind: "reply", status, lines, fields, end, note };
}

const REQUEST_FAULTS: Readonly<Record<RequestFault, readonly [status: number, words: string]>> = {
  "bare CR": [400, "A CR in the head is not followed by LF."],
  "bare LF": [400, "A line of the head ends with LF alone; HTTP wants CR LF."],
  "control byte": [400, "The head has a control byte. Perhaps this is TLS or another protocol: this port speaks HTTP."],
  "empty lines": [400, "There is more than one empty line before the request."],
  "start-line": [400, "The first line is not an HTTP/1.1 request line."],
  version: [505, "This port speaks HTTP/1.1 and HTTP/1.0."],
  target: [400, "The request target has a byte that may not stand in one."],
  "line too long": [414, "The request line is too long."],
  "head too large": [431, "The head is too large."],
  "too many fields": [431, "The head has too many fields."],
  "folded line": [400, "A line of the head begins with white space (obsolete line folding)."],
  "field without colon": [400, "A line of the head has no colon."],
  "field name": [400, "A field name has a byte that may not stand in one."],
  "space before colon": [400, "There is white space between a field name and its colon."],
  "content-length": [400, "Content-Length is not a plain decimal number."],
  "several content-length": [400, "Content-Length is given more than once."],
  "transfer-encoding": [400, "Transfer-Encoding is not exactly `chunked`."],
  "unknown transfer-encoding": [501, "Of the transfer codings only `chunked` is understood."],
  "content-length with transfer-encoding": [400, "Content-Length and Transfer-Encoding stand side by side."],
  "transfer-encoding in HTTP/1.0": [400, "Transfer-Encoding does not exist in HTTP/1.0."],
  "no host": [400, "An HTTP/1.1 request needs a Host field."],
  "several hosts": [400, "Host is given more than once."],
  host: [400, "The host is not a name or an address with an optional port."],
  "host differs from target": [400, "Host differs from the host in the request target."],
  "target form": [400, "The request target is neither a path nor an http URI."],
  scheme: [400, "The request target has another scheme than http."],
  "connection names a framing field": [400, "Connection lists a field that the message cannot do without."],
  connect: [405, "This is not a forward proxy: CONNECT goes nowhere."],
  "http/2 preface": [505, "This port speaks HTTP/1.1, not HTTP/2 with prior knowledge."],
  chunk: [400, "The chunked body is malformed."],
  trailer: [400, "The trailer section is malformed or holds a field that may not stand there."],
};

export function badRequest(fault: RequestFault): Reply {
  const [status, words] = REQUEST_FAULTS[fault];
  return reply(status, "bad request", [words], status === 405 ? [["Allow", ALLOW]] : NONE, fault);
}

/** What is wrong with a node's answer, after "It". */
const ANSWER_FAULTS: Readonly<Record<ResponseFault, string>> = {
  "bare CR": "has a CR in its head that is not followed by LF",
  "bare LF": "has a line in its head that ends with LF alone; HTTP wants CR LF",
  "control byte": "has a control byte in its head; perhaps the node speaks another protocol on this port",
  "empty lines": "begins with more than one empty line",
  "start-line": "does not begin with a status line of HTTP/1.1",
  version: "has a version other than HTTP/1.1 and HTTP/1.0",
  target: "does not begin with a status line of HTTP/1.1",
  "line too long": "has a status line that is too long (--limit http-line)",
  "head too large": "has a head that is too large (--limit http-head)",
  "too many fields": "has too many fields (--limit http-fields)",
  "folded line": "has a line in its head that begins with white space (obsolete line folding)",
  "field without colon": "has a line in its head without a colon",
  "field name": "has a field name with a byte that may not stand in one",
  "space before colon": "has white space between a field name and its colon",
  "content-length": "has a Content-Length that is not a plain decimal number",
  "several content-length": "gives Content-Length more than once",
  "transfer-encoding": "has a Transfer-Encoding that is not exactly chunked",
  "unknown transfer-encoding": "has a transfer coding other than chunked",
  "content-length with transfer-encoding": "has Content-Length and Transfer-Encoding side by side",
  "transfer-encoding in HTTP/1.0": "has a Transfer-Encoding, which HTTP/1.0 does not know",
  "connection names a framing field": "has a Connection field that lists what the message cannot do without",
  "upgrade nobody asked for": "changes the protocol, which nobody asked for",
  "upgrade before the body's end": "changes the protocol before the request is complete",
  chunk: "has a malformed chunked body",
  trailer: "has a trailer section that is malformed or holds a field that may not stand there",
};

export function badAnswer(fault: ResponseFault): Reply {
  const lines = ["The node's answer cannot be forwarded.", `It ${ANSWER_FAULTS[fault]}.`];
  return reply(502, "bad answer", lines, NONE, fault);
}

/** The node ended the connection before its answer was complete. */
export function nodeGone(end: "node closed" | "node reset"): Reply {
  return reply(502, end, ["The node closed the connection without a complete answer."]);
}

export function headTimeout(): Reply {
  return reply(408, "head timeout", ["The request's head did not arrive in time."]);
}

/** The client stopped in the middle of a body. */
export function bodyTimeout(): Reply {
  return reply(408, "body timeout", ["The request's body stopped arriving."]);
}

export function nodeTimeout(): Reply {
  return reply(504, "idle", ["The node did not answer in time."]);
}

/** Control ended the exchange before an answer came. */
export function cutOff(end: Extract<EndWord, `cut: ${string}`>): Reply {
  return reply(503, end, ["The connection to the node was ended before it answered. Please try again."], retry());
}

/** @param host Canonical: what is looked up. */
export function unknownHost(host: string, note: string | null): Reply {
  const lines = [
    `No cluster answers to the name ${host}.`,
    `Look for a typing mistake, or give the name to a cluster (key names); edge-lb explain ${host} shows how names are routed.`,
  ];
  return reply(404, "unknown name", lines, NONE, note);
}

/** A request that names no host, and no cluster takes those. */
export function namelessHost(): Reply {
  return reply(404, "no name", ["The request names no host, and no default cluster is set (--default)."]);
}

export function forbidden(host: string | null, note: string | null): Reply {
  const lines = [`Your address may not use ${host ?? "this service"}. The operator can allow it (key allow).`];
  return reply(403, "not allowed", lines, NONE, note);
}

/** @param lines What is wrong in words: which cluster, since when, why; never addresses. */
export function unavailable(lines: readonly string[], end: "node down" | "limit reached", note: string | null): Reply {
  return reply(503, end, lines, retry(), note);
}

/** The cluster sleeps and was asked for: browsers ask again by themselves. */
export function waking(cluster: string): Reply {
  const lines = [`Cluster ${cluster} is waking up.`, "This page asks again by itself until it is there."];
  return reply(503, "node down", lines, [...retry(), ["Refresh", RETRY_SECONDS]], "waking");
}

/** OPTIONS or TRACE with Max-Forwards: 0 is answered here, RFC 9110 §7.6.2; there is nothing to be traced. */
export function lastStop(method: string): Reply {
  const allow: Extra = [["Allow", ALLOW]];
  if (method === "OPTIONS") return reply(200, "done", ["edge-lb forwards these methods."], allow, "Max-Forwards: 0");
  return reply(405, "bad request", ["edge-lb does not echo requests."], allow, "Max-Forwards: 0");
}

export function redirect(status: 301 | 308, location: string): Reply {
  return reply(status, "redirected", [`This is at ${location}`], [["Location", location]]);
}

function retry(): Extra {
  return [["Retry-After", RETRY_SECONDS]];
}
