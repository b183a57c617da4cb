import { readFileSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { mutate, randomOf, seedStreams } from "../../../scripts/fuzz/engine.ts";
import { Lab } from "../../../scripts/fuzz/session-lab.ts";
import { unavailable } from "../../../src/core/http/replies.ts";

const GET = "GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n";
const TABLES = readFileSync(new URL("../../../src/core/http/states.ts", import.meta.url), "utf8");
const MACHINES = ["Phase", "NodeState", "AskState", "AnswerState"] as const;
type Machine = (typeof MACHINES)[number];

/** Each change that a machine's table lists, as `from > to`. */
function listed(machine: Machine): Set<string> {
  const [before = "", after = ""] = TABLES.split(`export type ${machine} = `);
  const states = [...(after.split(";")[0] ?? "").matchAll(/"(\w+)"/g)].map(([, state]) => state ?? "");
  const table = before.slice(before.lastIndexOf("/**"));
  const changes = new Set<string>();
  for (const [, from = "", to] of table.matchAll(/^ \* \| ([\w, ]+?) +\| .+ \| (\w+) +\|$/gm)) {
    if (to === "to") continue;
    for (const one of from === "any" ? states : from.split(", ")) if (one !== to) changes.add(`${one} > ${to}`);
  }
  return changes;
}

/** Collects the changes of a property from now on. */
function watch(object: object, key: string, changes: Set<string>): void {
  let state: unknown = Reflect.get(object, key);
  Object.defineProperty(object, key, {
    get: () => state,
    set(next: unknown) {
      if (next !== state) changes.add(`${String(state)} > ${String(next)}`);
      state = next;
    },
  });
}

class Watched {
  readonly changes: Readonly<Record<Machine, Set<string>>> = {
    Phase: new Set(),
    NodeState: new Set(),
    AskState: new Set(),
    AnswerState: new Set(),
  };

  lab(options: ConstructorParameters<typeof Lab>[0] = {}): Lab {
    const lab = new Lab(options);
    const relay: object = Reflect.get(lab.session, "relay");
    watch(lab.session, "phase", this.changes.Phase);
    watch(relay, "node", this.changes.NodeState);
    watch(Reflect.get(relay, "ask"), "state", this.changes.AskState);
    watch(Reflect.get(relay, "answer"), "state", this.changes.AnswerState);
    return lab;
  }

  play({ send, answers }: { readonly send: string; readonly answers: readonly string[] }): void {
    const lab = this.lab().send(send);
    for (const answer of answers) if (lab.nodes.at(-1)?.state === "open") lab.answer(answer);
    lab.sendEnd();
    if (lab.nodes.at(-1)?.state === "open" && lab.clientState === "open") lab.answerEnd();
    lab.wait(4_000_000);
  }
}

describe("the tables of states.ts", () => {
  const watched = new Watched();
  const seeds = seedStreams();
  const random = randomOf(82);
  for (const stream of seeds) watched.play(stream);
  for (let i = 0; i < 2_000; i++) watched.play(mutate(seeds, random));
  watched
    .lab({ autoOpen: false })
    .send(GET)
    .session.nodeFailed(unavailable(["none"], "node down", null));
  watched.lab().send(GET).answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").send(GET).answerEnd("node reset");
  watched.lab().session.reply(unavailable(["full"], "limit reached", null));

  test.each(MACHINES)("list every change of %s that the corpus makes, and no others", (machine) => {
    const table = listed(machine);
    const made = watched.changes[machine];
    expect(table.size).toBeGreaterThan(0);
    expect([...made].filter((change) => !table.has(change))).toEqual([]);
    const never = [...table].filter((change) => !made.has(change));
    // rows that begin anywhere also name states where nothing else can happen
    expect(never.filter((change) => !["awaited", "head"].includes(change.split(" > ")[1] ?? ""))).toEqual([]);
  });
});
