/** Names end at 253 bytes; longer texts are beyond any bound. */
const LENGTH_MOST = 255;
/** Rows of the table, used in turn: a call allocates nothing, and calls never overlap. */
const ROWS = [0, 1, 2].map(() => new Uint8Array(LENGTH_MOST + 1));

/**
 * Slips of the keyboard between two texts: characters put in, left out, replaced, or two neighbours swapped.
 * Exact up to `bound` (at most 254); `bound + 1` stands for everything beyond. Looks at `2 * bound + 1` cells per character.
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance (optimal string alignment)
 */
export function editDistance(a: string, b: string, bound: number): number {
  const beyond = bound + 1;
  if (Math.abs(a.length - b.length) > bound || Math.max(a.length, b.length) > LENGTH_MOST) return beyond;
  for (let j = 0; j <= b.length; j++) set(0, j, Math.min(j, beyond));
  for (let i = 1; i <= a.length; i++) {
    const from = Math.max(1, i - bound);
    const to = Math.min(b.length, i + bound);
    // Cells beside the band count as beyond; the next row reads one further to the right.
    set(i, from - 1, from === 1 ? Math.min(i, beyond) : beyond);
    let least = cell(i, from - 1);
    for (let j = from; j <= to; j++) {
      const best = Math.min(cheapest(a, b, i, j), beyond);
      set(i, j, best);
      least = Math.min(least, best);
    }
    if (to < b.length) set(i, to + 1, beyond);
    if (least > bound) return beyond;
  }
  return cell(a.length, b.length);
}

/** The least cost of turning the first `i` characters of `a` into the first `j` of `b`, given the rows before. */
function cheapest(a: string, b: string, i: number, j: number): number {
  const replace = cell(i - 1, j - 1) + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
  const best = Math.min(replace, cell(i - 1, j) + 1, cell(i, j - 1) + 1);
  if (i < 2 || j < 2 || a.charCodeAt(i - 1) !== b.charCodeAt(j - 2)) return best;
  return a.charCodeAt(i - 2) === b.charCodeAt(j - 1) ? Math.min(best, cell(i - 2, j - 2) + 1) : best;
}

function cell(i: number, j: number): number {
  return ROWS[i % 3]?.[j] ?? Infinity;
}

function set(i: number, j: number, value: number): void {
  const row = ROWS[i % 3];
  if (row !== undefined) row[j] = value;
}
