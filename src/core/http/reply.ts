/** Answers that edge-lb gives itself: plain text for programs, a small page for browsers, JSON for those who ask for it. */
import { FIELD } from "../message/field.ts";
import { findField, type ReadHead } from "../message/framing.ts";
import { VALUE_FROM, VALUE_TO } from "../message/head.ts";
import type { EndReason } from "../../seam/tallies.ts";
import { utf8 } from "../text-bytes.ts";
import { latin1 } from "../message/bytes.ts";
import { httpDate } from "./date.ts";

/** How a request ended, in the access log's words: all but those of TLS connections and tunnels. */
export type EndWord = Exclude<EndReason, "half-closed" | "not TLS" | "hello timeout" | "malformed" | "client gone">;

export interface Reply {
  readonly kind: "reply";
  readonly status: number;
  /** What is the matter and what to do about it, sentence by sentence. */
  readonly lines: readonly string[];
  /** Fields beside those that every reply has. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly end: EndWord;
  /** More words for the log. */
  readonly note: string | null;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  301: "Moved Permanently",
  308: "Permanent Redirect",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  414: "URI Too Long",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

export type ReplyFormat = "text" | "html" | "json";

/** What most programs accept. */
const ANYTHING = "*/*";

/** What the Accept field asks for: pages for browsers, JSON where it is named and pages are not, else text; RFC 9110 §12.5.1. */
export function replyFormat(head: ReadHead): ReplyFormat {
  const index = findField(head, FIELD.accept);
  if (index < 0) return "text";
  const from = head.fields[index + VALUE_FROM] ?? 0;
  const to = head.fields[index + VALUE_TO] ?? 0;
  if (to - from <= ANYTHING.length) return "text";
  const accept = latin1(head.bytes, from, to);
  if (/text\/html/i.test(accept)) return "html";
  return /[/+]json/i.test(accept) ? "json" : "text";
}

const TYPES: Readonly<Record<ReplyFormat, string>> = {
  text: "text/plain; charset=utf-8",
  html: "text/html; charset=utf-8",
  json: "application/json",
};

/**
 * The whole answer. It ends the connection: whatever else the client sent is not looked at.
 * @param bodiless The request was HEAD: the length is told, the body is not sent.
 */
export function renderReply(reply: Reply, format: ReplyFormat, bodiless: boolean, wallMs: number): Uint8Array {
  const title = REASONS[reply.status] ?? "Error";
  const body = utf8(render(reply, title, format));
  const fields = [
    `HTTP/1.1 ${reply.status} ${title}`,
    `Date: ${httpDate(wallMs)}`,
    `Content-Type: ${TYPES[format]}`,
    `Content-Length: ${body.length}`,
    "Cache-Control: no-store",
    ...reply.fields.map(([name, value]) => `${name}: ${value}`),
    "Connection: close",
  ];
  const head = utf8(`${fields.join("\r\n")}\r\n\r\n`);
  if (bodiless) return head;
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

function render(reply: Reply, title: string, format: ReplyFormat): string {
  switch (format) {
    case "text":
      return `${reply.status} ${title}\n${reply.lines.map((line) => `${line}\n`).join("")}`;
    case "json":
      return `${JSON.stringify({ status: reply.status, error: title, message: reply.lines.join(" ") })}\n`;
    case "html":
      return page(`${reply.status} ${title}`, reply.lines);
  }
}

function page(title: string, lines: readonly string[]): string {
  const paragraphs = lines.map((line) => `<p>${escapeHtml(line)}</p>\n`).join("");
  return (
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width">\n` +
    `<title>${escapeHtml(title)}</title>\n` +
    `<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}</style>\n` +
    `<h1>${escapeHtml(title)}</h1>\n${paragraphs}<hr>\n<p><small>edge-lb</small></p>\n</html>\n`
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? "");
}
