/** HTML from template literals: whatever is put in is escaped, unless it came from here. */

/** Markup that needs no escaping any more. */
export interface Markup {
  readonly markup: string;
}

export type Part = Markup | string | number | null | readonly Markup[];

/** `null` is nothing; lists of markup are joined. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const fixed = compact(texts);
  let markup = fixed[0] ?? "";
  for (let at = 0; at < parts.length; at++) markup += render(parts[at] ?? null) + (fixed[at + 1] ?? "");
  return { markup };
}

const COMPACTED = new WeakMap<TemplateStringsArray, readonly string[]>();

/** The source is indented for its readers; to a browser any white space is one blank. */
function compact(texts: TemplateStringsArray): readonly string[] {
  const known = COMPACTED.get(texts);
  if (known !== undefined) return known;
  const compacted = texts.map((text) => text.replace(/\s*\n\s*/g, " "));
  COMPACTED.set(texts, compacted);
  return compacted;
}

/** Text that is markup already: style, script, numbers of a path. */
export function raw(markup: string): Markup {
  return { markup };
}

function render(part: Part): string {
  if (part === null) return "";
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escapeHtml(part);
  if ("markup" in part) return part.markup;
  let joined = "";
  for (const { markup } of part) joined += markup;
  return joined;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const UNSAFE = /[&<>"']/g;
/** Nearly every text is harmless, and this is the cheapest way to know; half a surrogate pair is looked for only after it. */
const SUSPICIOUS = /[^ !#-%(-;=?-~]/;

/** Safe as text and within quoted attributes. Control characters, which no page may hold, become U+FFFD. */
export function escapeHtml(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text.replace(UNSAFE, (character) => ENTITIES[character] ?? "").replace(/[\p{Cc}\p{Cs}]/gu, "\u{FFFD}");
}
