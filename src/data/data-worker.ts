/** One worker's work: its listeners, and what control's mail asks of them. */
import { isAllowed } from "../core/access.ts";
import type { Cancel, Conn, ConnEvents, Listener, Runtime } from "../runtime/port.ts";
import { HEALTH, type Board } from "../seam/board.ts";
import type { ListenSpec, ToWorker } from "../seam/mail.ts";
import { joinParts, type Snapshot, type SnapshotPart } from "../seam/snapshot.ts";
import { serviceNamed, type Service } from "../seam/services.ts";
import { createAccessLog, type FormatLine } from "./access-log.ts";
import { jsonLine } from "./log-lines.ts";
import { acceptHttp } from "./http-session.ts";
import { Plane } from "./plane.ts";
import { acceptTls } from "./tls-session.ts";
import { resumeTunnel } from "./recorded-tunnel.ts";
import type { Cuttable } from "./tunnels.ts";

export interface DataWorkerInput {
  readonly runtime: Runtime;
  readonly worker: number;
  readonly board: Board;
  readonly snapshot: Snapshot;
  /** Null: no access log. */
  readonly format: FormatLine | null;
  readonly random: () => number;
}

type Accept = (plane: Plane, service: Service, conn: Conn) => ConnEvents;
const ACCEPT: Readonly<Record<Service["routedBy"], Accept>> = { sni: acceptTls, host: acceptHttp };

interface Listening {
  readonly listener: Listener;
  readonly service: Service;
}

/** As many connections more or less than at the last collection make another one worth its milliseconds. */
const COLLECTED = 500;
/** How often a stopping worker checks whether its last connection is gone. */
const STOP_CHECK_MS = 50;
/** Tunnels that hold more than this are not given together: the others wait while their bytes travel. */
const GIVEN_BYTES = 4_194_304;

/** Takes mail from now on, until a "stop" is done and `runtime.stop()` was called. */
export function startDataWorker(input: DataWorkerInput): void {
  const worker = new DataWorker(input);
  input.runtime.onFault((error) => worker.fault(error));
  input.runtime.onMail((mail) => worker.take(mail));
}

class DataWorker {
  private readonly runtime: Runtime;
  private readonly worker: number;
  private readonly plane: Plane;
  private readonly listeners = new Map<string, Listening>();
  /** Parts of the next snapshot that have arrived. */
  private readonly parts: SnapshotPart[] = [];
  /** By cell: the cut of what was removed. A cell that comes back before then keeps its tunnels. */
  private readonly removals = new Map<number, Cancel>();
  /** By cell: the cut of what is drained. A second drain begins its time again. */
  private readonly drains = new Map<number, Cancel>();

  /** Connections that were open when memory was collected last. */
  private collectedAt = 0;

  /** Of a worker that stops: when the remaining tunnels are cut, and whether they have been. */
  private cutAtMs = Infinity;
  private allCut = false;

  constructor(input: DataWorkerInput) {
    const { runtime, worker, board, snapshot, random, format } = input;
    this.runtime = runtime;
    this.worker = worker;
    this.plane = new Plane({
      runtime,
      worker,
      board,
      snapshot,
      random,
      log: (writer) => createAccessLog(runtime, writer, { log: format, tail: jsonLine }),
    });
  }

  take(mail: ToWorker): void {
    switch (mail.kind) {
      case "snapshot":
        return this.swap(mail.snapshot);
      case "snapshot-part":
        this.parts.push(mail.part);
        return undefined;
      case "listen":
        return this.listen(mail.add, mail.remove);
      case "cut":
        return this.cut(mail);
      case "give":
        return this.give(mail.most);
      case "take":
        for (const tunnel of mail.tunnels) resumeTunnel(this.plane, tunnel);
        return undefined;
      case "log-taken":
        return this.plane.log.taken("log", mail.batches);
      case "tail":
        return this.plane.log.tail(mail.on);
      case "tail-taken":
        return this.plane.log.taken("tail", mail.batches);
      case "check-access":
        this.runtime.timer(mail.afterMs, () => this.cutNotAllowed());
        return undefined;
      case "quiet":
        return this.collect();
      case "stop":
        return this.stop(mail.afterMs);
    }
  }

  fault(error: unknown): void {
    this.plane.writer.addCount("faults", 1);
    this.plane.reports.fault(error);
  }

  private listen(add: readonly ListenSpec[], remove: readonly ListenSpec[]): void {
    for (const spec of remove) {
      const key = listenKey(spec);
      this.listeners.get(key)?.listener.close();
      this.listeners.delete(key);
    }
    try {
      for (const spec of add) {
        const service = serviceNamed(this.plane.live.snapshot.services, spec.service);
        if (service === undefined) throw new Error(`no service ${spec.service}`);
        const accept = ACCEPT[service.routedBy];
        const listener = this.runtime.listen(spec, (conn) => accept(this.plane, service, conn));
        this.listeners.set(listenKey(spec), { listener, service });
      }
      const services = [...this.listeners.values()].map(({ service }) => service.index);
      this.plane.listening = [...new Set(services)];
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : "";
      this.runtime.post({ kind: "listen-failed", worker: this.worker, message, hint });
      return;
    }
    this.runtime.post({ kind: "up", worker: this.worker, engine: this.runtime.engine });
  }

  private cut({ cell, afterMs, reason }: Extract<ToWorker, { kind: "cut" }>): void {
    const { tunnels, health } = this.plane;
    this.cancelRemoval(cell);
    if (afterMs <= 0) return tunnels.cutCell(cell, reason);
    const due = reason === "removed" ? this.removals : reason === "drain" ? this.drains : null;
    const timer = this.runtime.timer(afterMs, () => {
      due?.delete(cell);
      if (reason === "drain" && health.state(cell) !== HEALTH.drained) return; // the drain was undone meanwhile
      tunnels.cutCell(cell, reason);
    });
    due?.get(cell)?.cancel();
    due?.set(cell, timer);
    return undefined;
  }

  private swap(last: Snapshot): void {
    const snapshot = joinParts(this.parts.splice(0), last);
    this.plane.swap(snapshot);
    if (this.removals.size > 0) for (const cell of cellsIn(snapshot)) this.cancelRemoval(cell);
  }

  private collect(): void {
    const { open } = this.plane;
    if (Math.abs(open - this.collectedAt) < COLLECTED) return;
    this.collectedAt = open;
    this.runtime.collect();
  }

  private give(most: number): void {
    let bytes = 0;
    const tunnels = this.plane.tunnels.give((given) => {
      const last = given.at(-1)?.state;
      if (last !== undefined) bytes += last.client.unsent.length + last.node.unsent.length;
      return given.length < most && bytes < GIVEN_BYTES;
    });
    this.runtime.post({ kind: "given", tunnels });
  }

  /** Its cell is configured again, or another cut of it begins. */
  private cancelRemoval(cell: number): void {
    this.removals.get(cell)?.cancel();
    this.removals.delete(cell);
  }

  /** Ends the tunnels of clients that `allow` no longer lets in. */
  private cutNotAllowed(): void {
    const { allow, clusters } = this.plane.live.snapshot;
    const allowOf = new Map(clusters.map((plan) => [plan.cell, plan.allow]));
    const isRefused = ({ clientIp, cells }: Cuttable): boolean =>
      !isAllowed(allow, clientIp) || !isAllowed(allowOf.get(cells.cluster) ?? [], clientIp);
    this.plane.tunnels.cutWhere(isRefused, "not allowed");
  }

  /** Stop accepting, let what is open go on for `afterMs`, then cut it. */
  private stop(afterMs: number): void {
    for (const { listener } of this.listeners.values()) listener.close();
    this.listeners.clear();
    this.runtime.post({ kind: "listeners-closed" });
    this.plane.drain();
    this.cutAtMs = this.runtime.nowMs() + afterMs;
    this.checkStopped();
  }

  private checkStopped(): void {
    // what is left after the cut has no node and holds nothing
    if (this.plane.open === 0 || this.allCut) return this.stopped();
    if (this.runtime.nowMs() >= this.cutAtMs) {
      this.allCut = true;
      this.plane.tunnels.cutWhere(() => true, "shutdown");
    }
    this.runtime.timer(STOP_CHECK_MS, () => this.checkStopped());
    return undefined;
  }

  private stopped(): void {
    this.plane.hellos.close();
    this.plane.held.close();
    this.plane.log.flush();
    this.runtime.post({ kind: "stopped" });
    this.runtime.stop();
  }
}

function* cellsIn({ clusters }: Snapshot): Generator<number> {
  for (const { cell, pools } of clusters) {
    yield cell;
    for (const pool of pools) {
      if (pool === null) continue;
      yield pool.cell;
      for (const endpoint of pool.endpoints) yield endpoint.cell;
    }
  }
}

function listenKey(spec: ListenSpec): string {
  return `${spec.service} ${spec.at.ip} ${spec.at.port}`;
}
