/** Peers of whom HAProxy expects a PROXY header: `accept-proxy`, where all listeners expect it of the same. */
import { cidrText, readCidr } from "../../config/values/addresses.ts";
import { GLOBAL } from "../../config/options/options.ts";
import type { Entry } from "../routes/entry.ts";
import type { Ledger } from "../source/ledger.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import { linesOf, type Section } from "../source/sections.ts";
import { optionTexts, type OptionTexts } from "./imported.ts";

export function acceptProxyOptions(entries: readonly Entry[], ledger: Ledger): OptionTexts[] {
  const lists = entries.map(({ proxy }) => expectedOf(proxy.section));
  const texts = new Set(
    lists.map((list) =>
      list
        .flatMap(({ peers }) => peers)
        .sort()
        .join(" "),
    ),
  );
  const [only = ""] = texts;
  const isShared = texts.size === 1 && only !== "";
  for (const { line } of lists.flat()) {
    if (isShared) ledger.note(line, "carried", `accept-proxy ${only}`);
    else {
      const why =
        "edge-lb expects a PROXY header of the same peers on all listeners, and of every connection of theirs";
      ledger.note(line, "cannot", why, { code: "accept-proxy", todo: "say who adds the header: accept-proxy" });
    }
  }
  return isShared ? optionTexts(GLOBAL.acceptProxy, only.split(" ")) : [];
}

interface Expected {
  /** Empty: not a list of addresses. */
  readonly peers: readonly string[];
  readonly line: SourceLine;
}

/** `tcp-request connection expect-proxy layer4 if { src 10.0.0.0/8 }`. */
function expectedOf(section: Section): Expected[] {
  return linesOf(section, "tcp-request")
    .filter((line) => wordAt(line, 2) === "expect-proxy")
    .map((line) => ({ peers: peersOf(wordsFrom(line, 4)), line }));
}

function peersOf(condition: readonly string[]): string[] {
  const [, list = ""] = /^if { src (.+) }$/.exec(condition.join(" ")) ?? [];
  const networks = list.split(" ").map(readCidr);
  return networks.every((reading) => reading.ok) ? networks.map((reading) => cidrText(reading.value)) : [];
}
