import { expect, test } from "bun:test";
import { withoutTwins } from "../../../scripts/bench/fresh.ts";

test.each([
  [3, ["a b c", "a", "a"]],
  [2, ["a b", "a c", "a"]],
])("withoutTwins() of at most %i measures no two of one executable together", (most, want) => {
  const peers = ["a", "b", "a", "c", "a"].map((name) => ({ asks: [name, "--version"] }));
  expect(withoutTwins(peers, most).map((group) => group.map(({ asks }) => asks[0]).join(" "))).toEqual(want);
});
