/** Configurations from files: `%key%` is replaced, the lines from `@@each key` to its `@@end` are repeated for each of a list. */

export interface Values {
  readonly [key: string]: string | readonly Values[];
}

/** @throws Error naming a key without a value. */
export function render(template: string, values: Values): string {
  return renderLines(template.split("\n"), values).join("\n");
}

function renderLines(lines: readonly string[], values: Values): string[] {
  const out: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const key = /^@@each (\w+)$/.exec(line)?.[1];
    if (key === undefined) {
      out.push(fill(line, values));
      continue;
    }
    const end = endOf(lines, i);
    for (const item of listOf(values, key)) {
      out.push(...renderLines(lines.slice(i + 1, end), { ...values, ...item }));
    }
    i = end;
  }
  return out;
}

function endOf(lines: readonly string[], start: number): number {
  let depth = 0;
  for (let i = start; i < lines.length; i++) {
    if (lines[i]?.startsWith("@@each ") === true) depth++;
    if (lines[i] === "@@end" && --depth === 0) return i;
  }
  throw new Error(`Cannot render: line ${start + 1} has no @@end`);
}

function listOf(values: Values, key: string): readonly Values[] {
  const list = values[key];
  if (!Array.isArray(list)) throw new Error(`Cannot render: no list "${key}"`);
  return list;
}

function fill(line: string, values: Values): string {
  return line.replaceAll(/%(\w+)%/g, (_, key: string) => {
    const value = values[key];
    if (typeof value !== "string") throw new Error(`Cannot render: no value "${key}"`);
    return value;
  });
}
