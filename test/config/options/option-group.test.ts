import { describe, expect, test } from "bun:test";
import { changesOf, dataPart, mapGroup, optionsOf } from "../../../src/config/options/option-group.ts";
import { forData, maybe, one, type Option } from "../../../src/config/options/option.ts";
import { fit } from "../../../src/config/values/text.ts";
import { duration, plain, whole } from "../../../src/config/values/values.ts";

const WAIT = { flag: "wait", value: "DURATION", fallback: "5s", help: "", of: duration() };
const COUNT = one({ flag: "count", value: "N", fallback: "1", help: "", of: whole(1, 9), reload: false });
const NAME = maybe({ flag: "name", value: "NAME", help: "", of: plain(fit) });

/** A data-plane setting is this one line, and its name in the seam. */
const GROUP = { count: COUNT, inner: { wait: forData(one(WAIT)), name: NAME, own: one({ ...WAIT, flag: "own" }) } };
const BEFORE = { count: 1, inner: { wait: 5_000, name: null, own: 1 } };
const AFTER = { count: 2, inner: { wait: 5_500, name: "x", own: 1 } };

describe("optionsOf()", () => {
  test("lists the options of inner groups in their place", () => {
    expect(optionsOf(GROUP).map(({ flag }) => flag)).toEqual(["count", "wait", "name", "own"]);
  });
});

describe("mapGroup()", () => {
  test("gives every option its value, in the group's shape", () => {
    const of = <T>(option: Option<T>, ...[before, after]: readonly T[]): T => (option.reload ? after : before) as T;
    expect(mapGroup(GROUP, of, BEFORE, AFTER)).toEqual({ ...AFTER, count: 1 });
  });
});

describe("changesOf()", () => {
  test("says what became of each value, and nothing of the others", () => {
    expect(changesOf(GROUP, BEFORE, AFTER).map(({ option, text }) => `${option.flag} ${text}`)).toEqual([
      "count 1 -> 2",
      "wait 5s -> 5500ms",
      "name none -> x",
    ]);
    expect(changesOf(GROUP, AFTER, AFTER)).toEqual([]);
  });
});

describe("dataPart()", () => {
  test("keeps the values of the data plane's options under their keys", () => {
    const part: { readonly wait: number } = dataPart(GROUP.inner, AFTER.inner);
    expect(part).toEqual({ wait: 5_500 });
  });
});
