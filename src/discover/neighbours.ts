/**
 * Which machines this one has met on its networks, as the kernel's neighbour table has it: reading that sends nothing, and a machine that boots
 * is there as soon as it asks this one for anything. Linux, and IPv4 alone; elsewhere nobody is known, and sweeps find everything.
 */
import { readFileSync } from "node:fs";

const TABLE = "/proc/net/arp";
/** A table that was just read is good for another question. */
const FRESH_MS = 200;
/** ATF_COM: the machine has told its Ethernet address. Without it, it was asked and did not answer. */
const COMPLETE = 0x2;

export interface NeighbourInput {
  /** The text of `/proc/net/arp`; "" where there is none. */
  readonly read: () => string;
  readonly nowMs: () => number;
}

const KERNEL: NeighbourInput = { read: readTable, nowMs: () => performance.now() };

export class Neighbours {
  private readonly input: NeighbourInput;
  /** By address, whether it is there. */
  private known: ReadonlyMap<string, boolean> = new Map();
  private readMs = Number.NEGATIVE_INFINITY;
  private before: ReadonlySet<string> | null = null;

  constructor(input: NeighbourInput = KERNEL) {
    this.input = input;
  }

  /** @returns machines that were not there when this was asked last; nobody at the first time */
  arrived(): readonly string[] {
    const here = [...this.table()].filter(([, isHere]) => isHere).map(([ip]) => ip);
    const { before } = this;
    this.before = new Set(here);
    return before === null ? [] : here.filter((ip) => !before.has(ip));
  }

  isHere(ip: string): boolean {
    return this.table().get(ip) === true;
  }

  /** Nobody has the address. An address behind a router is never known to be absent. */
  isAbsent(ip: string): boolean {
    return this.table().get(ip) === false;
  }

  private table(): ReadonlyMap<string, boolean> {
    const nowMs = this.input.nowMs();
    if (nowMs - this.readMs < FRESH_MS) return this.known;
    this.readMs = nowMs;
    this.known = parse(this.input.read());
    return this.known;
  }
}

/** An address may be asked for on several interfaces, and is there when it answers on one. */
function parse(text: string): ReadonlyMap<string, boolean> {
  const known = new Map<string, boolean>();
  for (const line of text.split("\n").slice(1)) {
    const [ip = "", , flags = ""] = line.split(/\s+/, 3);
    if (ip !== "") known.set(ip, known.get(ip) === true || (Number(flags) & COMPLETE) !== 0);
  }
  return known;
}

function readTable(): string {
  try {
    return readFileSync(TABLE, "utf8");
  } catch {
    return "";
  }
}
