/** `edge-lb status --watch`: the status as a live view on a terminal; elsewhere again and again as text or as lines of JSON. */
import type { FlagText } from "../config/layers.ts";
import type { Status } from "../control/status/report.ts";
import { findClient, openClient, type Client } from "./client.ts";
import type { Io } from "./io.ts";
import { statusText } from "./status-table.ts";
import { drawing, layoutOf, screenLines } from "./watch-screen.ts";
import { FIRST_STATE, press, splitKeys, type WatchState } from "./watch-state.ts";
import { processTerminal, type Terminal } from "./watch-terminal.ts";

/** Rates are of the last second. */
const EVERY_MS = 1_000;
/** A table every second would be gone before it is read. */
const TABLE_EVERY_MS = 2_000;

/** @throws EdgeError CONTROL_FAILED when no edge-lb can be reached at first; later it is waited for */
export async function watch(json: boolean, flags: readonly FlagText[], io: Io, given?: Terminal): Promise<number> {
  const live = io.isTerminal && !json;
  const source = await openSource(flags, io);
  const terminal = given ?? processTerminal(live);
  const loop = createLoop(json || live ? EVERY_MS : TABLE_EVERY_MS);
  try {
    if (live) await watchScreen(source, terminal, loop, useColour(io));
    else await watchPlain(source, json, terminal, loop);
    return 0;
  } finally {
    terminal.close();
    await source.close();
  }
}

/** @see no-color.org */
function useColour({ env }: Io): boolean {
  return (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

interface Source {
  /** @throws whatever asking threw; the next call connects anew */
  status(): Promise<Status>;
  close(): Promise<void>;
}

async function openSource(flags: readonly FlagText[], io: Io): Promise<Source> {
  let client: Client | null = await openClient(flags, io);
  return {
    async status() {
      client ??= await findClient(flags, io);
      if (client === null) throw new Error("no edge-lb runs here");
      try {
        return (await client.ask("GET", "status")) as Status;
      } catch (error) {
        await client.close();
        client = null;
        throw error;
      }
    },
    close: async () => client?.close(),
  };
}

interface Loop {
  ended(): boolean;
  /** Until the next look is due, or the end. */
  pause(): Promise<void>;
  /** What it gives, or null when the end comes first. */
  beforeEnd<T>(work: Promise<T>): Promise<T | null>;
  end(): void;
}

function createLoop(everyMs: number): Loop {
  const end = Promise.withResolvers<null>();
  let over = false;
  const beforeEnd: Loop["beforeEnd"] = (work) => Promise.race([work, end.promise]);
  return {
    ended: () => over,
    beforeEnd,
    async pause() {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await beforeEnd(new Promise((resolve) => (timer = setTimeout(resolve, everyMs))));
      clearTimeout(timer);
    },
    end() {
      over = true;
      end.resolve(null);
    },
  };
}

async function watchPlain(source: Source, json: boolean, terminal: Terminal, loop: Loop): Promise<void> {
  terminal.open({ onKeys: () => undefined, onResize: () => undefined, onEnd: () => loop.end() });
  while (!loop.ended()) {
    const status = await loop.beforeEnd(source.status());
    if (status === null) return;
    terminal.write(json ? `${JSON.stringify(status)}\n` : `${new Date().toISOString()}\n${statusText(status)}\n`);
    await loop.pause();
  }
}

async function watchScreen(source: Source, terminal: Terminal, loop: Loop, colour: boolean): Promise<void> {
  let view: WatchState = FIRST_STATE;
  let status = await source.status();
  let trouble: string | null = null;
  const draw = (): void => {
    if (loop.ended()) return;
    const time = new Date().toTimeString().slice(0, 8);
    terminal.write(drawing(screenLines({ status, view, trouble, time }, terminal.size()), colour));
  };
  const onKeys = (text: string): void => {
    for (const key of splitKeys(text)) {
      const { page, most } = layoutOf(status, view, terminal.size());
      view = press(view, key, page, most);
    }
    if (view.done) loop.end();
    draw();
  };
  terminal.open({ onKeys, onResize: draw, onEnd: () => loop.end() });
  while (!loop.ended()) {
    draw();
    await loop.pause();
    if (loop.ended()) return;
    try {
      status = (await loop.beforeEnd(source.status())) ?? status;
      trouble = null;
    } catch (error) {
      trouble = `no answer, still trying: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
