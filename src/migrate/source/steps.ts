/** The rules that HAProxy runs before it chooses a backend or server: `tcp-request`, `http-request`, `redirect`, `block`. */
import { conditionAt, readCondition, type Condition } from "./conditions.ts";
import { wordAt, wordsFrom, type SourceLine } from "./lexer.ts";
import { readSample, type ReadSide, type Sample } from "./samples.ts";

/** Each layer has its own list: what accepts in one goes on with the next. */
export type Layer = "connection" | "session" | "content" | "http";

/** In the order HAProxy runs them. */
export const LAYERS: readonly Layer[] = ["connection", "session", "content", "http"];

export interface Step {
  readonly layer: Layer;
  /** `answer`: HAProxy itself responds; `set`: a variable gets a value; `capture`: a sample is kept by number. */
  readonly effect: "accept" | "reject" | "redirect-https" | "answer" | "set" | "capture";
  /** What `set` and `capture` keep. */
  readonly sample: Sample | null;
  /** The variable of `set`, scope included; "" for other effects. */
  readonly variable: string;
  readonly condition: Condition | null;
  readonly line: SourceLine;
}

/** A directive as a step; none where it only looks, counts or writes a header. */
export function readStep(line: SourceLine, readSide: ReadSide): Step[] {
  const words = wordsFrom(line, 0);
  const layer = layerOf(words);
  if (layer === null) return [];
  const kept = keptSample(line, words);
  const effect = kept === null ? effectOf(words) : kept.variable === "" ? "capture" : "set";
  if (effect === null) return [];
  const { sample = null, variable = "" } = kept ?? {};
  return [{ layer, effect, sample, variable, condition: readCondition(line, readSide), line }];
}

function layerOf([keyword = "", first = ""]: readonly string[]): Layer | null {
  if (["redirect", "block", "http-request", "capture"].includes(keyword)) return "http";
  if (keyword !== "tcp-request") return null;
  return LAYERS.find((layer) => layer === first) ?? null;
}

/** `set-var(txn.host) SAMPLE`, `set-var-fmt(x) %[SAMPLE]`, `capture SAMPLE len 50`, `capture request header Host len 50`. */
function keptSample(
  line: SourceLine,
  words: readonly string[],
): { readonly variable: string; readonly sample: Sample } | null {
  if (words[0] === "capture") {
    return words[1] === "request" && words[2] === "header"
      ? { variable: "", sample: readSample(`req.hdr(${words[3] ?? ""})`) }
      : null;
  }
  const at = words[0] === "tcp-request" ? 2 : 1;
  const action = words[at] ?? "";
  if (action === "capture") return { variable: "", sample: readSample(wordAt(line, at + 1)) };
  const [, format, inner = ""] = /^set-var(-fmt)?\(([^)]*)\)$/.exec(action) ?? [];
  if (inner === "") return null;
  const end = conditionAt(line);
  const text = words.slice(at + 1, end < 0 ? words.length : end).join("");
  const [, formatted = ""] = /^%\[(.+)\]$/.exec(text) ?? [];
  return { variable: inner.split(",")[0] ?? "", sample: readSample(format === undefined ? text : formatted) };
}

function effectOf(words: readonly string[]): Step["effect"] | null {
  const [keyword = "", first = "", second = ""] = words;
  if (keyword === "redirect") return isHttpsRedirect(words.slice(1)) ? "redirect-https" : "answer";
  if (keyword === "block") return "reject";
  if (keyword === "http-request") return httpEffect(first, words.slice(2));
  if (second === "accept" || second === "reject") return second;
  return second === "silent-drop" ? "reject" : null;
}

function httpEffect(action: string, rest: readonly string[]): Step["effect"] | null {
  if (action === "redirect") return isHttpsRedirect(rest) ? "redirect-https" : "answer";
  if (["deny", "tarpit", "silent-drop", "reject", "block"].includes(action)) return "reject";
  if (action === "return") return statusOf(rest) < 400 ? "answer" : "reject";
  if (["use-service", "auth"].includes(action)) return "answer";
  return action === "allow" ? "accept" : null;
}

/** `return status 404 …`; 200 where none is named. */
function statusOf(words: readonly string[]): number {
  const at = words.indexOf("status");
  return at < 0 ? 200 : Number(words[at + 1]);
}

function isHttpsRedirect(words: readonly string[]): boolean {
  const [how, what = ""] = words;
  if (how === "scheme") return what === "https";
  return (how === "location" || how === "prefix") && /^https:\/\/%\[(req\.)?hdr\(host\)/i.test(what);
}
