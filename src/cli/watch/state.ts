/** What the live view shows and in which order, and what a key changes about it. */

export const SORTS = ["name", "state", "open", "rate"] as const;
export type Sort = (typeof SORTS)[number];

export interface WatchState {
  readonly sort: Sort;
  /** Lower case; "": everything. */
  readonly filter: string;
  /** The filter is being typed. */
  readonly typing: boolean;
  /** Nodes below their clusters. */
  readonly nodes: boolean;
  readonly help: boolean;
  /** Lines of the list that are scrolled away. */
  readonly top: number;
  readonly done: boolean;
}

export const FIRST_STATE: WatchState = {
  sort: "name",
  filter: "",
  typing: false,
  nodes: true,
  help: false,
  top: 0,
  done: false,
};

export const KEYS: readonly (readonly [string, string])[] = [
  ["s", `sort by ${SORTS.join(", ")}`],
  ["/", "filter clusters, nodes, states and names; Enter keeps it, Esc clears it"],
  ["n", "nodes on or off"],
  ["up down, j k", "scroll by a line"],
  ["PgUp PgDn, b space", "scroll by a page"],
  ["Home, g", "to the top"],
  ["?, h", "this help"],
  ["q, Ctrl-C", "quit"],
];

const CTRL_C = "\u0003";
const ESCAPE = "\u001b";
const DELETE = new Set(["\u007f", "\b"]);
/** Longer than any name in DNS makes no sense. */
const FILTER_MOST = 60;

/** One key each: escape sequences of a terminal (ECMA-48 §5.4) in one piece, else single characters. */
export function splitKeys(input: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- what a terminal sends for its keys begins with ESC
  return input.match(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[^]/gu) ?? [];
}

/** @param page Lines that the list has room for. @param most Lines that can be scrolled away. */
export function press(state: WatchState, key: string, page: number, most: number): WatchState {
  if (key === CTRL_C) return { ...state, done: true };
  if (state.typing) return typed(state, key);
  if (state.help) return { ...state, help: false, done: key === "q" };
  const top = scrolled(Math.min(state.top, most), key, page);
  if (top !== null) return { ...state, top: Math.max(0, Math.min(top, most)) };
  switch (key) {
    case "q":
      return { ...state, done: true };
    case "s":
      return { ...state, sort: SORTS[(SORTS.indexOf(state.sort) + 1) % SORTS.length] ?? "name", top: 0 };
    case "n":
      return { ...state, nodes: !state.nodes, top: 0 };
    case "/":
      return { ...state, typing: true, top: 0 };
    case ESCAPE:
      return { ...state, filter: "", top: 0 };
    case "?":
    case "h":
      return { ...state, help: true };
    default:
      return state;
  }
}

function typed(state: WatchState, key: string): WatchState {
  if (key === "\r" || key === "\n") return { ...state, typing: false };
  if (key === ESCAPE) return { ...state, typing: false, filter: "" };
  if (DELETE.has(key)) return { ...state, filter: state.filter.slice(0, -1) };
  const fits = key.length === 1 && key >= " " && state.filter.length < FILTER_MOST;
  return fits ? { ...state, filter: state.filter + key.toLowerCase() } : state;
}

/** Null: no key that scrolls. */
function scrolled(top: number, key: string, page: number): number | null {
  switch (key) {
    case "j":
    case `${ESCAPE}[B`:
    case `${ESCAPE}OB`:
      return top + 1;
    case "k":
    case `${ESCAPE}[A`:
    case `${ESCAPE}OA`:
      return top - 1;
    case " ":
    case `${ESCAPE}[6~`:
      return top + page;
    case "b":
    case `${ESCAPE}[5~`:
      return top - page;
    case "g":
    case `${ESCAPE}[H`:
    case `${ESCAPE}[1~`:
      return 0;
    default:
      return null;
  }
}
