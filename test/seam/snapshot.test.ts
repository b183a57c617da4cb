import { describe, expect, test } from "bun:test";
import { joinParts, splitSnapshot, type Snapshot, type SnapshotPart } from "../../src/seam/snapshot.ts";
import { buildSnapshot } from "../../src/config/build-snapshot.ts";
import { load } from "../config/loading.ts";

function snapshotOf(clusters: number): Snapshot {
  const flags = Array.from({ length: clusters }, (_, at) => ["cluster", `c${at}=10.0.${at >> 8}.${at & 255}`] as const);
  const config = load([["domain", "lab"], ...flags]);
  return buildSnapshot(config, { version: 7, cellOf: () => 0, addressesOf: () => [], maxConnections: 1 });
}

function split(snapshot: Snapshot): { parts: SnapshotPart[]; last: Snapshot } {
  const pieces = splitSnapshot(snapshot);
  const parts: SnapshotPart[] = [];
  for (;;) {
    const { done, value } = pieces.next();
    if (done === true) return { parts, last: value };
    parts.push(value);
  }
}

describe("splitSnapshot() and joinParts()", () => {
  test.each([0, 1, 64, 65, 200])("give %d clusters back as they were", (count) => {
    const snapshot = snapshotOf(count);
    const { parts, last } = split(snapshot);
    expect(joinParts(parts, last)).toEqual(snapshot);
  });

  test("leave a small one in one piece and make no large piece of a large one", () => {
    expect(split(snapshotOf(64)).parts).toEqual([]);
    const { parts } = split(snapshotOf(200));
    expect(parts).toHaveLength(4);
    for (const part of parts) expect(part.clusters.length).toBeLessThanOrEqual(64);
  });
});
