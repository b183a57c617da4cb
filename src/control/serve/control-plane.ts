/** The control plane: builds the snapshot, starts the workers and the probes, swaps on change, drains at the end. */
import type { Config } from "../../config/model.ts";
import { diffConfig, type ConfigDiff } from "../../config/diff.ts";
import { keepUntilRestart } from "../../config/restart.ts";
import { buildSnapshot } from "../../config/build-snapshot.ts";
import { buildRoutes, type Routes } from "../../core/route/lookup.ts";
import { EdgeError } from "../../errors.ts";
import { activeOf, openBoard, countOf, type Board } from "../../seam/board.ts";
import type { CutReason, DialError, FromWorker } from "../../seam/mail.ts";
import { splitSnapshot, type Snapshot } from "../../seam/snapshot.ts";
import type { ChosenEngine, RingUse, WorkerEngine } from "./engine.ts";
import type { EventLog } from "../log/event-log.ts";
import { LiveTail } from "../log/live-tail.ts";
import { IssuerTrust } from "../health/issuer-trust.ts";
import { HealthMonitor } from "../health/monitor.ts";
import { requireClientSource } from "../machine/client-source.ts";
import { OwnEndpoints } from "../machine/own-endpoints.ts";
import { maxConnections } from "../machine/limits.ts";
import { localNetworks } from "../machine/networks.ts";
import type { LogSink } from "../log/sink.ts";
import { SourcePortWatch } from "./source-port-watch.ts";
import { Resolver, type NameView } from "./resolver.ts";
import { ClusterExpiry } from "./cluster-expiry.ts";
import { openDns, type DnsService } from "./dns.ts";
import { BoardCells } from "./board-cells.ts";
import { NOTHING_BESIDE } from "./carried-counts.ts";
import { Cuts } from "./cuts.ts";
import type { Sockets } from "./listening.ts";
import { Standby } from "../standby/standby.ts";
import { Totals } from "./totals.ts";
import { DiscoveryView } from "./discovery-view.ts";
import { UnknownNames } from "./unknown-names.ts";
import { Versions } from "./versions.ts";
import { createWorkers, faultText, type Workers } from "./workers.ts";
import type { ApplyOptions, Inheritance, Supervisor, SupervisorInput } from "./supervisor.ts";

/** A worker takes its mail within milliseconds; one that does not is about to be replaced. */
const APPLY_WAIT_MS = 2_000;

export class ControlPlane implements Supervisor {
  readonly engine: WorkerEngine;
  readonly ring: RingUse | null;
  readonly workers: number;
  readonly sockets: Sockets;
  readonly log: EventLog;
  readonly own: OwnEndpoints;
  readonly board: Board;
  readonly totals: Totals;
  readonly trust = new IssuerTrust();
  readonly discovery = new DiscoveryView();
  readonly tail = new LiveTail((on) => this.pool.broadcast({ kind: "tail", on }));
  readonly unknownNames = new UnknownNames();
  readonly lastFailures = new Map<number, { readonly error: DialError; readonly atMs: number }>();
  snapshot: Snapshot;
  config: Config;
  user: string | null = null;
  health: HealthMonitor | null = null;
  dns: DnsService | null = null;
  readonly expiry = new ClusterExpiry();
  readonly standby: Standby;
  private readonly sink: LogSink;
  readonly cells = new BoardCells();
  readonly pool: Workers;
  readonly cuts = new Cuts();
  /** Counted by the process before. */
  before = NOTHING_BESIDE;
  private readonly inheritance: Inheritance | undefined;
  private readonly sourcePorts: SourcePortWatch;
  private readonly resolver: Resolver;
  /** Domains learnt from certificates, by cluster. */
  private learned: ReadonlyMap<string, string> = new Map();
  /** Cells of clusters, pools and endpoints that the newest snapshot no longer has. */
  private readonly gone: number[] = [];
  private readonly oldest: number[];
  private readonly newest: Versions;
  private indexed: { readonly of: Snapshot; readonly routes: Routes } | null = null;

  constructor(input: SupervisorInput, log: EventLog, chosen: ChosenEngine, count: number, sockets: Sockets) {
    this.config = input.config;
    this.sink = input.sink;
    this.log = log;
    const { engine, ring } = chosen;
    this.engine = engine;
    this.ring = ring;
    this.workers = count;
    this.sockets = sockets;
    const dns = this.config.dns.map((at) => ({ label: "dns", at }));
    this.own = new OwnEndpoints([...sockets.listening.map(({ kind, at }) => ({ label: kind, at })), ...dns]);
    this.inheritance = input.before;
    // one column for what a process before counted
    this.board = openBoard(count + 1);
    if (input.before === undefined) crypto.getRandomValues(this.board.seed);
    else this.board.seed.set(input.before.seed);
    this.learned = new Map(input.before?.health.learnt);
    this.standby = new Standby(this, log);
    this.totals = new Totals(this.board);
    this.oldest = Array.from({ length: count }, () => 0);
    this.newest = new Versions(count);
    this.sourcePorts = new SourcePortWatch({ log, board: this.board, snapshot: () => this.snapshot });
    this.resolver = new Resolver({ log, onChange: () => this.refresh() });
    this.resolver.carry(input.before?.names ?? []);
    this.snapshot = this.build(1, this.config);
    this.pool = createWorkers({
      entry: input.workerEntry,
      engine,
      ring: ring?.on === true,
      count,
      board: this.board,
      log: this.config.accessLog ? this.config.log : null,
      snapshot: () => this.snapshot,
      listen: () => sockets.specs(),
      onMail: (worker, mail) => this.take(worker, mail),
      onReplaced: (worker, reason) =>
        log.error("worker", `worker ${worker} ended (${reason}); a new one takes over`, { worker, reason }),
      onFatal: input.onFatal,
    });
  }

  async start(): Promise<void> {
    await this.resolver.update(this.config);
    this.publish();
    this.health = new HealthMonitor({
      config: this.config,
      snapshot: this.snapshot,
      board: this.board,
      log: this.log,
      own: this.own,
      trust: this.trust,
      cut: (cell, afterMs, reason) => this.cut(cell, afterMs, reason),
      ...(this.inheritance === undefined ? {} : { before: this.inheritance.health }),
      onDomains: (learnt) => {
        this.learned = learnt;
        this.refresh();
      },
    });
    this.health.start();
    this.sourcePorts.start();
    await this.pool.start();
  }

  async apply(config: Config, { cutAfterMs }: ApplyOptions = {}): Promise<ConfigDiff> {
    const before = this.config;
    const diff = diffConfig(before, config);
    const next = keepUntilRestart(before, config);
    if (diff.changes.length === 0) {
      this.config = next; // where things are written may have changed
      return diff;
    }
    await requireClientSource(next, this.engine);
    await this.resolver.update(next);
    try {
      this.publish(next, cutAfterMs);
    } catch (error) {
      await this.resolver.update(before); // the names of what goes on being served
      throw error;
    }
    this.pool.broadcast({ kind: "check-access", afterMs: next.timeouts.drain });
    await this.inEveryWorker(this.snapshot.version);
    return diff;
  }

  /** Whoever changed something may rely on it then. A worker that is being replaced starts with the newest snapshot. */
  private async inEveryWorker(version: number): Promise<void> {
    let late: ReturnType<typeof setTimeout> | undefined;
    const given = new Promise<void>((resolve) => (late = setTimeout(resolve, APPLY_WAIT_MS)));
    await Promise.race([given, this.newest.reached(version)]);
    clearTimeout(late);
  }

  get logLinesLost(): number {
    return this.sink.dropped + this.before.logLinesLost;
  }

  expiresAt(cluster: string): number | null {
    return this.expiry.at(cluster);
  }

  async openDns(): Promise<void> {
    this.before = { ...this.before, dnsAnswers: this.dns?.status().answers ?? this.before.dnsAnswers };
    this.dns = await openDns(this, this.log);
  }

  idleWorkers(): readonly number[] {
    return this.pool.idle();
  }

  names(): readonly NameView[] {
    return this.resolver.view();
  }

  routes(): Routes {
    if (this.indexed?.of !== this.snapshot) this.indexed = { of: this.snapshot, routes: buildRoutes(this.snapshot) };
    return this.indexed.routes;
  }

  open(): number {
    return countOf(this.board, "open");
  }

  async stop(afterMs = this.config.timeouts.drain): Promise<void> {
    this.health?.stop();
    this.resolver.stop();
    this.sourcePorts.stop();
    await this.pool.stop(afterMs, () => this.sockets.close());
    this.sockets.close();
    this.standby.stop();
    await this.sink.drained();
  }

  /** The same configuration with what was found out: should the board have no room for it, what is served goes on. */
  private refresh(): void {
    try {
      this.publish();
    } catch (error) {
      if (!(error instanceof EdgeError)) throw error;
      this.log.error("snapshot", error.toLine());
    }
  }

  /** A new snapshot in every worker, by one assignment there. @throws EdgeError when the board is full, with nothing changed */
  private publish(config: Config = this.config, cutAfterMs: number = config.timeouts.drain): void {
    this.snapshot = this.build(this.snapshot.version + 1, config);
    this.config = config;
    // first what is known of new endpoints: one that is edge-lb itself must not be dialled for a moment either
    this.health?.update(config, this.snapshot);
    this.mail(this.snapshot);
    for (const cell of this.gone.splice(0)) {
      this.cut(cell, cutAfterMs, "removed");
    }
  }

  private cut(cell: number, afterMs: number, reason: CutReason): void {
    this.cuts.asked(cell, afterMs, reason);
    this.pool.broadcast({ kind: "cut", cell, afterMs, reason });
  }

  private mail(snapshot: Snapshot): void {
    const pieces = splitSnapshot(snapshot);
    let piece = pieces.next();
    for (; piece.done !== true; piece = pieces.next()) {
      this.pool.broadcast({ kind: "snapshot-part", part: piece.value });
    }
    this.pool.broadcast({ kind: "snapshot", snapshot: piece.value });
  }

  private build(version: number, config: Config): Snapshot {
    const keys = new Set<string>();
    const snapshot = buildSnapshot(config, {
      version,
      cellOf: (key) => {
        keys.add(key);
        return this.cells.of(key);
      },
      addressesOf: (node) => this.resolver.addressesOf(node),
      learnedDomains: this.learned,
      networks: localNetworks(),
      maxConnections: config.maxConnections || maxConnections(),
    });
    this.gone.push(...this.cells.retain(keys, version));
    this.totals.note(snapshot);
    return snapshot;
  }

  private take(worker: number, mail: FromWorker): void {
    switch (mail.kind) {
      case "log":
        if (mail.dropped > 0) this.sink.missed(mail.dropped);
        return this.sink.write(mail.text, () => this.pool.post(worker, { kind: "log-taken", batches: 1 }));
      case "tail":
        this.tail.pass(mail.text, mail.dropped);
        return this.pool.post(worker, { kind: "tail-taken", batches: 1 });
      case "up": // a new worker knows nothing of those who watch
        return this.tail.isWatched ? this.pool.post(worker, { kind: "tail", on: true }) : undefined;
      case "dial-failed":
        this.lastFailures.set(mail.cell, { error: mail.error, atMs: Date.now() });
        if (mail.error === "no-ports") this.sourcePorts.met();
        return this.health?.dialFailed(mail.cell, mail.error);
      case "unknown-name":
        return this.unknownNames.add(mail.listener, mail.name, mail.client);
      case "wake":
        return this.standby.asked(mail.cell, mail.name);
      case "node-silent":
        return this.health?.probeSoon(mail.cell);
      case "applied":
        this.newest.at(worker, mail.version);
        return this.applied(worker, mail.oldest);
      case "fault":
        return this.log.error("fault", faultText(mail.stack), { worker });
      default:
        return undefined;
    }
  }

  private applied(worker: number, oldest: number): void {
    this.oldest[worker] = oldest;
    for (const cell of this.cells.reclaim(Math.min(...this.oldest), (cell) => activeOf(this.board, cell) === 0)) {
      this.board.health[cell] = 0;
      this.board.weight[cell] = 0;
      this.totals.retire(cell);
      this.lastFailures.delete(cell);
    }
  }
}
