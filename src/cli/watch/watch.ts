/** `edge-lb status --watch`: the status as a live view on a terminal; elsewhere again and again as text or as lines of JSON. */
import type { FlagText } from "../../config/layers/layers.ts";
import type { Status } from "../../control/status/report.ts";
import { findClient, openClient, type Client } from "../live/client.ts";
import { EXIT } from "../terminal/exit-code.ts";
import type { Io } from "../terminal/io.ts";
import { statusText } from "../live/status-table.ts";
import { drawing, layoutOf, screenLines } from "./screen.ts";
import { FIRST_STATE, press, splitKeys, type WatchState } from "./state.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Rates are of the last second. */
const EVERY_MS = 1_000;
/** A table every second would be gone before it is read. */
const TABLE_EVERY_MS = 2_000;

/** @throws EdgeError CONTROL_FAILED when no edge-lb can be reached at first; later it is waited for */
export async function watch(json: boolean, flags: readonly FlagText[], io: Io, given?: Terminal): Promise<number> {
  const live = io.isTerminal && !json;
  const source = new StatusSource(flags, io);
  await source.open();
  const terminal = given ?? processTerminal(live, io.out);
  const loop = new Loop(json || live ? EVERY_MS : TABLE_EVERY_MS);
  try {
    if (live) await watchScreen(source, terminal, loop, io);
    else await watchPlain(source, json, terminal, loop, io);
    return EXIT.done;
  } finally {
    terminal.close();
    source.close();
  }
}

/** @see no-color.org */
function useColour({ env }: Io): boolean {
  return (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** The status of the edge-lb that runs, also after another one has taken its place. */
class StatusSource {
  private client: Client | null = null;
  private readonly flags: readonly FlagText[];
  private readonly io: Io;

  constructor(flags: readonly FlagText[], io: Io) {
    this.flags = flags;
    this.io = io;
  }

  /** @throws EdgeError CONTROL_FAILED when no edge-lb can be reached */
  async open(): Promise<void> {
    this.client = await openClient(this.flags, this.io);
  }

  /** @throws whatever asking threw; the next call connects anew */
  async status(): Promise<Status> {
    this.client ??= await findClient(this.flags, this.io);
    if (this.client === null) throw new Error("no edge-lb runs here");
    try {
      return (await this.client.ask("GET", "status")) as Status;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.client?.close();
    this.client = null;
  }
}

/** One look after another, until the end. */
class Loop {
  private readonly ending = Promise.withResolvers<null>();
  private readonly everyMs: number;
  private over = false;

  constructor(everyMs: number) {
    this.everyMs = everyMs;
  }

  get ended(): boolean {
    return this.over;
  }

  /** Until the next look is due, or the end. */
  async pause(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await this.beforeEnd(new Promise((resolve) => (timer = setTimeout(resolve, this.everyMs))));
    clearTimeout(timer);
  }

  /** Until what was written has left, so that a slow reader gets fewer looks; that it cannot leave is the end. */
  async left({ flush }: Io): Promise<void> {
    if ((await this.beforeEnd(flush())) !== null) this.end();
  }

  /** What it gives, or null when the end comes first. */
  beforeEnd<T>(work: Promise<T>): Promise<T | null> {
    return Promise.race([work, this.ending.promise]);
  }

  end(): void {
    this.over = true;
    this.ending.resolve(null);
  }
}

async function watchPlain(source: StatusSource, json: boolean, terminal: Terminal, loop: Loop, io: Io): Promise<void> {
  terminal.open({ onKeys: () => undefined, onResize: () => undefined, onEnd: () => loop.end() });
  while (!loop.ended) {
    const status = await loop.beforeEnd(source.status());
    if (status === null) return;
    terminal.write(json ? `${JSON.stringify(status)}\n` : `${new Date().toISOString()}\n${statusText(status)}\n`);
    await loop.left(io);
    await loop.pause();
  }
}

async function watchScreen(source: StatusSource, terminal: Terminal, loop: Loop, io: Io): Promise<void> {
  const colour = useColour(io);
  let view: WatchState = FIRST_STATE;
  let status = await source.status();
  let trouble: string | null = null;
  const draw = (): void => {
    if (loop.ended) return;
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
  while (!loop.ended) {
    draw();
    await loop.left(io);
    await loop.pause();
    if (loop.ended) return;
    try {
      status = (await loop.beforeEnd(source.status())) ?? status;
      trouble = null;
    } catch (error) {
      trouble = `no answer, still trying: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}
