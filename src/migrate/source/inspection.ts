/** What a proxy in mode tcp waits for before it chooses: without `tcp-request inspect-delay` nothing of the client has arrived. */
import { wordAt } from "./lexer.ts";
import { lastLine, linesOf, type Section } from "./sections.ts";

const OF_HELLO = /\b(req[._]ssl_(sni|hello_type|ver)|req[._]len|WAIT_END|REQ_CONTENT|rep_ssl_hello_type)\b/i;
const OF_HTTP =
  /\b(HTTP|HTTP_[0-9.]+|METH_[A-Z]+|WAIT_END|REQ_CONTENT|req[._]proto_http|hdr(_\w+)?|req\.f?hdr(_\w+)?|method|path(_\w+)?|req[._]len)\b/;

export interface Waits {
  readonly forHello: boolean;
  readonly forHttp: boolean;
}

export function waitsOf(section: Section): Waits {
  return { forHello: waitsFor(section, OF_HELLO), forHttp: waitsFor(section, OF_HTTP) };
}

/** A rule on content that needs such bytes, itself or by an ACL that it asks for. */
function waitsFor(section: Section, what: RegExp): boolean {
  if (lastLine(section, ["tcp-request", "inspect-delay"]) === null) return false;
  const acls = new Map(
    linesOf(section, "acl").map((line) => [wordAt(line, 1), line.text.replace(/^acl\s+\S+\s+/, "")]),
  );
  return section.lines
    .filter((line) => wordAt(line, 0) === "tcp-request" && wordAt(line, 1) === "content")
    .some(
      (line) =>
        what.test(line.text) || line.words.some(({ text }) => what.test(acls.get(text.replace(/^!+/, "")) ?? "")),
    );
}
