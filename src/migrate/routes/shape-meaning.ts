/** From the shape of a regular expression to names and faults. */
import { isName, labelName, type Draft, type Fault } from "./meaning.ts";
import type { Part, Shape } from "./regex-shape.ts";

/** Null: not a pattern of names that edge-lb can hold. */
export function shapeMeaning(written: Shape): Draft | null {
  const shape = withoutPort(written);
  const literals = shape.parts.filter((part) => part.kind === "literal");
  const [literal] = literals;
  if (literal?.kind !== "literal" || literals.length > 1) return null;
  const text = literal.text.toLowerCase();
  const first = shape.parts[0];
  const before = first?.kind === "literal" ? null : (first ?? null);
  const after = shape.parts.at(-1)?.kind !== "literal";
  const faults: Fault[] = literal.loose
    ? [{ code: "any-character", why: "a dot without a backslash is any character" }]
    : [];
  if (after || (!shape.end && text.endsWith("."))) return labelMeaning(text, before !== null, shape, faults);
  if (!shape.end) faults.push({ code: "unanchored-end", why: "nothing ends it ($)" });
  return nameMeaning(text, before, shape.start, faults);
}

/** `(:[0-9]+)?$` after a host, and what remains of it as an alternative. */
function withoutPort(shape: Shape): Shape {
  const parts = [...shape.parts];
  const last = parts.at(-1);
  const port = last?.kind === "label" || last?.kind === "any" ? parts.at(-2) : last;
  if (port?.kind !== "literal" || !/:\d*$/.test(port.text)) return shape;
  if (last !== port) parts.pop();
  parts[parts.length - 1] = { ...port, text: port.text.replace(/:\d*$/, "") };
  return { ...shape, parts };
}

/** The end of the name is free: only the label rule can hold that. */
function labelMeaning(text: string, hasBefore: boolean, { start }: Shape, faults: readonly Fault[]): Draft | null {
  const label = text.endsWith(".") ? labelName(text) : null;
  if (label === null) return null;
  const more: Fault = { code: "prefix", why: "the domain is left open, so every domain matches" };
  const fits = label.kind === "apps" ? hasBefore || !start : !hasBefore && start;
  return { names: [], labels: [label], faults: fits ? [...faults, more] : [...faults, more, noStart()] };
}

function noStart(): Fault {
  return { code: "unanchored-start", why: "nothing starts it (^)" };
}

function nameMeaning(text: string, before: Part | null, start: boolean, faults: readonly Fault[]): Draft | null {
  const name = text.replace(/^\./, "");
  if (!isName(name)) return null;
  const open = before !== null || !start;
  if (!open) return text.startsWith(".") ? null : { names: [name], labels: [], faults };
  if (text.startsWith(".")) {
    const oneLabel: Fault = { code: "one-label", why: "one label only before the domain" };
    return {
      names: [`*.${name}`],
      labels: [],
      faults: before?.kind === "label" && start ? [...faults, oneLabel] : faults,
    };
  }
  const fault: Fault =
    before === null ? noStart() : { code: "no-boundary", why: "what stands before it need not end at a dot" };
  const below = before !== null || name.startsWith("apps.");
  const bare = before === null || before.kind === "literal" || before.least === 0;
  return { names: [...(below ? [`*.${name}`] : []), ...(bare ? [name] : [])], labels: [], faults: [...faults, fault] };
}
