/**
 * Slips of the keyboard between two texts: characters put in, left out, replaced, or two neighbours swapped.
 * Exact up to `bound`; `bound + 1` stands for everything beyond. Looks at `2 * bound + 1` cells per character of `a`.
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance (optimal string alignment)
 */
export function editDistance(a: string, b: string, bound: number): number {
  const beyond = bound + 1;
  if (Math.abs(a.length - b.length) > bound) return beyond;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row: number[] = Array.from({ length: b.length + 1 }, () => beyond);
    const from = Math.max(1, i - bound);
    const to = Math.min(b.length, i + bound);
    if (from === 1) row[0] = i;
    let least = row[from - 1] ?? beyond;
    for (let j = from; j <= to; j++) {
      const swap =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? cell(beforeLast, j - 2) + 1 : beyond;
      const replace = cell(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const best = Math.min(replace, swap, cell(last, j) + 1, cell(row, j - 1) + 1, beyond);
      row[j] = best;
      least = Math.min(least, best);
    }
    if (least > bound) return beyond;
    beforeLast = last;
    last = row;
  }
  return Math.min(cell(last, b.length), beyond);
}

function cell(row: readonly number[], at: number): number {
  return row[at] ?? Infinity;
}
