/** One thing that `check --live` found. */

/** `fail`: clients or nodes are not served because of it. */
export type Grade = "ok" | "warn" | "fail";

export interface Finding {
  readonly grade: Grade;
  /** One sentence without a full stop. */
  readonly text: string;
  /** What to do about it: command lines or settings, one each. */
  readonly remedy: readonly string[];
}

export interface FindingGroup {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export function ok(text: string): Finding {
  return { grade: "ok", text, remedy: [] };
}

export function warn(text: string, ...remedy: readonly string[]): Finding {
  return { grade: "warn", text, remedy };
}

export function fail(text: string, ...remedy: readonly string[]): Finding {
  return { grade: "fail", text, remedy };
}

/** `mapped` over all items, so many at a time, results in their order. */
export async function inParallel<T, R>(
  items: readonly T[],
  most: number,
  mapped: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await mapped(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  return results;
}
