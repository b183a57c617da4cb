/** Environment variables as HAProxy reads them inside double quotes, and in addresses also outside. */
export type Environment = Map<string, string>;

/** What a `$…` stands for: its words (several only for `[*]`) and the length of its source. */
export interface Expansion {
  readonly parts: readonly string[];
  readonly length: number;
}

const BRACED = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(\[\*\])?(?:-([^}]*))?\}/;
const PLAIN = /^\$([A-Za-z_.][A-Za-z0-9_]*)/;

/**
 * Expands the variable at the start of a text.
 * @returns Null where no variable starts; an unset one without default is one empty part, as in HAProxy.
 */
export function expandVariable(text: string, environment: Environment): Expansion | null {
  const match = BRACED.exec(text) ?? PLAIN.exec(text);
  if (match === null) return null;
  const [all, name = "", list, fallback] = match;
  const value = environment.get(name) ?? fallback ?? "";
  return { parts: list === undefined ? [value] : value.split(/\s+/).filter((part) => part !== ""), length: all.length };
}

/** Expands every `$NAME` and `${NAME}` of an address, where HAProxy also accepts them without quotes. */
export function expandAll(text: string, environment: Environment): string {
  let out = "";
  for (let at = 0; at < text.length;) {
    const found = text[at] === "$" ? expandVariable(text.slice(at), environment) : null;
    out += found === null ? (text[at] ?? "") : found.parts.join(" ");
    at += found?.length ?? 1;
  }
  return out;
}
