/**
 * What the service manager hears: `Type=notify`, `Type=notify-reload` and `WatchdogSec=` of systemd.
 * @see sd_notify(3), sd_watchdog_enabled(3)
 */
import { execFile } from "node:child_process";
import { loadUnixDatagram } from "../../runtime/kernel/load-datagram.ts";
import { loadMonotonic } from "../../runtime/kernel/load-monotonic.ts";

export interface Notifier {
  /** @param status One line for `systemctl status`. */
  ready(status: string): void;
  reloading(): void;
  stopping(status: string): void;
  /** Another process is the service from now on. */
  mainProcess(pid: number): void;
  /** No more signs of life. */
  end(): void;
}

/** Sends one message of `NAME=VALUE` lines. */
export type Send = (message: string) => void;

const SILENT: Notifier = { ready() {}, reloading() {}, stopping() {}, mainProcess() {}, end() {} };

type Env = Readonly<Record<string, string | undefined>>;

/** Silent where no service manager asked to be told. */
export async function createNotifier(
  env: Env = process.env,
  open: (path: string) => Promise<Send> = openSend,
): Promise<Notifier> {
  const path = env["NOTIFY_SOCKET"];
  if (path === undefined || !/^[/@]./.test(path)) return SILENT;
  const send = await open(path);
  const clock = await loadMonotonic();
  return new SystemdNotifier(send, watchdogOf(env), clock ?? (() => 0));
}

class SystemdNotifier implements Notifier {
  private readonly send: Send;
  private readonly watchdogMs: number | null;
  private readonly monotonicUsec: () => number;
  private watchdog: ReturnType<typeof setInterval> | undefined;

  constructor(send: Send, watchdogMs: number | null, monotonicUsec: () => number) {
    this.send = send;
    this.watchdogMs = watchdogMs;
    this.monotonicUsec = monotonicUsec;
  }

  ready(status: string): void {
    this.send(`READY=1\nSTATUS=${status}`);
    // half of what the manager waits for, as sd_watchdog_enabled(3) advises
    if (this.watchdogMs !== null) this.watchdog ??= setInterval(() => this.send("WATCHDOG=1"), this.watchdogMs / 2);
  }

  reloading(): void {
    this.send(`RELOADING=1\nMONOTONIC_USEC=${this.monotonicUsec()}`);
  }

  stopping(status: string): void {
    this.send(`STOPPING=1\nSTATUS=${status}`);
  }

  mainProcess(pid: number): void {
    this.send(`MAINPID=${pid}`);
  }

  end(): void {
    clearInterval(this.watchdog);
  }
}

/** Null: no watchdog, or one that watches another process. */
function watchdogOf(env: Env): number | null {
  const usec = Number(env["WATCHDOG_USEC"]);
  const pid = env["WATCHDOG_PID"];
  if (!Number.isFinite(usec) || usec <= 0) return null;
  return pid === undefined || Number(pid) === process.pid ? usec / 1_000 : null;
}

/** A datagram through the C library; where that cannot be called, systemd's own tool says it for us. */
async function openSend(path: string): Promise<Send> {
  const datagram = await loadUnixDatagram();
  if (datagram === null) {
    const args = ["--pid", String(process.pid)];
    return (message) => void execFile("systemd-notify", [...args, ...message.split("\n")], () => undefined);
  }
  return (message) => void datagram.send(path, new TextEncoder().encode(message));
}
