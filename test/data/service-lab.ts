/** One worker's service on the runtime in memory: real configuration, board and snapshot, no socket. */
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/model.ts";
import { buildSnapshot } from "../../src/config/build-snapshot.ts";
import { BoardCells } from "../../src/control/serve/board-cells.ts";
import type { AccessRecord } from "../../src/data/access-log.ts";
import { jsonLine } from "../../src/data/log-lines.ts";
import { startDataWorker } from "../../src/data/data-worker.ts";
import { createMemoryRuntime, type MemoryNode, type MemoryRuntime } from "../support/memory/runtime.ts";
import type { MemoryPeer } from "../support/memory/wire.ts";
import { activeOf, HEALTH, openBoard, type Board, type HealthWord } from "../../src/seam/board.ts";
import type { FromWorker } from "../../src/seam/mail.ts";
import type { Snapshot } from "../../src/seam/snapshot.ts";
import type { ServiceName } from "../../src/seam/services.ts";
import { poolOf } from "../support/built-in.ts";

export const PORTS = { api: 6443, https: 443, http: 80 } as const;

export interface Lab {
  readonly runtime: MemoryRuntime;
  readonly board: Board;
  readonly snapshot: () => Snapshot;
  /** Starts a node's server for one kind; connections are accepted and read. */
  node(ip: string, kind: keyof typeof PORTS): MemoryNode;
  connect(kind: keyof typeof PORTS, from?: string): MemoryPeer;
  setHealth(ip: string, kind: ServiceName, state: HealthWord): void;
  cell(key: string): number;
  /** Open connections of the cell `cluster/hub`, … */
  active(key: string): number;
  /** Another configuration, as control would mail it. */
  apply(...flags: readonly string[]): void;
  /** What the access log holds so far. */
  records(): readonly (AccessRecord & { bytesUp: number; bytesDown: number })[];
  posted<K extends FromWorker["kind"]>(kind: K): readonly Extract<FromWorker, { kind: K }>[];
}

const MACHINE = { env: {}, userId: 0, cpus: 1, addresses: null };

export function configOf(flags: readonly string[]): Config {
  const pairs = flags.map((text) => {
    const [flag = "", ...value] = text.split(" ");
    return { flag: flag.replace(/^--/, ""), text: value.join(" ") };
  });
  return loadConfig({ flags: pairs, readFile: () => "", machine: MACHINE });
}

/** @param flags each as `--domain lab` */
export function startLab(...flags: readonly string[]): Lab {
  const runtime = createMemoryRuntime();
  const board = openBoard(1);
  const cells = new BoardCells();
  let version = 0;
  const build = (texts: readonly string[]): Snapshot => {
    const config = configOf(texts);
    version += 1;
    const maxConnections = config.maxConnections || 1_000;
    return buildSnapshot(config, { version, cellOf: (key) => cells.of(key), addressesOf: () => [], maxConnections });
  };
  let snapshot = build(flags);
  startDataWorker({ runtime, worker: 0, board, snapshot, format: jsonLine, random: () => 0.5 });
  const add = Object.entries(PORTS).map(([kind, port]) => ({
    service: kind as ServiceName,
    at: { ip: "", port },
    fd: -1,
    reusePort: false,
  }));
  runtime.deliver({ kind: "listen", add, remove: [] });
  runtime.settle();
  let nextPort = 50_000;
  return {
    runtime,
    board,
    snapshot: () => snapshot,
    node(ip, kind) {
      const node = runtime.node({ ip, port: PORTS[kind] });
      node.reading = true;
      return node;
    },
    connect: (kind, from = "10.9.9.9") =>
      runtime.connect({ ip: "10.0.0.1", port: PORTS[kind] }, { ip: from, port: nextPort++ }),
    setHealth(ip, kind, state) {
      const endpoint = snapshot.clusters
        .flatMap((plan) => poolOf(plan, kind)?.endpoints ?? [])
        .find(({ at }) => at.ip === ip);
      board.health[endpoint?.cell ?? -1] = HEALTH[state];
    },
    cell: (key) => cells.of(key),
    active: (key) => activeOf(board, cells.of(key)),
    apply(...texts) {
      snapshot = build(texts);
      runtime.deliver({ kind: "snapshot", snapshot });
      runtime.settle();
    },
    records() {
      runtime.advance(50);
      const text = runtime.posted.flatMap((mail) => (mail.kind === "log" ? [mail.text] : [])).join("");
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    posted: (kind) => runtime.posted.filter((mail): mail is never => mail.kind === kind),
  };
}
