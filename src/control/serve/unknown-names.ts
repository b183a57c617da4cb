/** Names that clients asked for and nobody serves. Strangers choose them, so there is room for the most asked only. */
import type { Routes } from "../../core/route/lookup.ts";
import { nearestName } from "../../core/route/nearest.ts";
import { serviceNamed, type Service, type ServiceName } from "../../seam/services.ts";

export interface UnknownName {
  readonly listener: ServiceName;
  readonly name: string;
  /** How often it was reported: at most ten names a second and worker are. */
  readonly count: number;
  readonly lastClient: string;
  /** ISO 8601, UTC. */
  readonly lastTime: string;
  /** The known name that was probably meant. */
  readonly nearest: string | null;
}

const KEPT = 200;
const SHOWN = 50;

export interface UnknownEntry {
  readonly listener: ServiceName;
  readonly name: string;
  readonly count: number;
  readonly client: string;
  readonly atMs: number;
}

interface Entry extends UnknownEntry {
  count: number;
  client: string;
  atMs: number;
  /** Searched for when shown, since that compares with every name there is. */
  nearest: string | null;
  searchedIn: Routes | null;
}

export class UnknownNames {
  private readonly entries = new Map<string, Entry>();
  private readonly now: () => number;
  private readonly kept: number;

  constructor(now: () => number = Date.now, kept = KEPT) {
    this.now = now;
    this.kept = kept;
  }

  add(listener: ServiceName, name: string, client: string): void {
    const key = `${listener} ${name}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      if (this.entries.size >= this.kept) this.entries.delete(leastAsked(this.entries));
      entry = { listener, name, count: 0, client, atMs: 0, nearest: null, searchedIn: null };
      this.entries.set(key, entry);
    }
    entry.count += 1;
    entry.client = client;
    entry.atMs = this.now();
  }

  /** All of them, for another process. */
  entriesNow(): readonly UnknownEntry[] {
    return [...this.entries.values()].map(({ listener, name, count, client, atMs }) => ({
      listener,
      name,
      count,
      client,
      atMs,
    }));
  }

  /** Those that another process had; what was asked here meanwhile is added. */
  carry(entries: readonly UnknownEntry[]): void {
    for (const entry of entries.slice(0, this.kept)) {
      const key = `${entry.listener} ${entry.name}`;
      const here = this.entries.get(key);
      if (here !== undefined) here.count += entry.count;
      else this.entries.set(key, { ...entry, nearest: null, searchedIn: null });
    }
  }

  /** The most asked first. @param routes The same object as long as the snapshot is the same. */
  view(routes: Routes, services: readonly Service[]): readonly UnknownName[] {
    const shown = [...this.entries.values()].sort((a, b) => b.count - a.count || b.atMs - a.atMs).slice(0, SHOWN);
    return shown.map((entry) => {
      if (entry.searchedIn !== routes) entry.nearest = nearestOf(routes, services, entry);
      entry.searchedIn = routes;
      const { listener, name, count, client, atMs, nearest } = entry;
      return { listener, name, count, lastClient: client, lastTime: new Date(atMs).toISOString(), nearest };
    });
  }
}

/** A scan of random names pushes out its own, not those that a real client asks for again and again. */
function leastAsked(entries: ReadonlyMap<string, Entry>): string {
  let [least, key] = [Infinity, ""];
  for (const [each, { count }] of entries) if (count < least) [least, key] = [count, each];
  return key;
}

function nearestOf(routes: Routes, services: readonly Service[], { listener, name }: Entry): string | null {
  const service = serviceNamed(services, listener);
  return service === undefined ? null : nearestName(routes, service.index, name);
}
