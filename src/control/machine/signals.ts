/** Signals as the supervisor sees them. */
import { readFileSync } from "node:fs";

export interface SignalHandlers {
  /** SIGTERM, SIGINT or SIGQUIT; `again` when one came before. */
  onStop(again: boolean): void;
  onHangup(): void;
  /** SIGUSR1: somebody moved the log away. */
  onReopen(): void;
  /** SIGUSR2: let the executable that stands at our path now take over. */
  onUpgrade(): void;
}

/** @returns ends the watching, at the end of the process: a signal that comes then must not take the place of its exit code */
export function watchSignals({ onStop, onHangup, onReopen, onUpgrade }: SignalHandlers): () => void {
  let stops = 0;
  const stop = (): void => onStop(stops++ > 0);
  const watched: [NodeJS.Signals, () => void][] = [
    ["SIGTERM", stop],
    ["SIGINT", stop],
    ["SIGQUIT", stop],
    ["SIGUSR1", onReopen],
    ["SIGUSR2", onUpgrade],
  ];
  // under nohup the hang-up is ignored before we start, and stays so
  if (!isIgnored(1)) watched.push(["SIGHUP", onHangup]);
  for (const [signal, handler] of watched) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of watched) process.off(signal, handler).on(signal, ignore);
  };
}

function ignore(): void {}

/** Whether this process was started with the signal ignored; false where /proc cannot tell. */
function isIgnored(signal: number): boolean {
  try {
    const mask = /^SigIgn:\s+([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
  } catch {
    return false;
  }
}
