/** The terminal of the live view: its other screen, single keys, its size, and everything put back at the end. */
import type { Size } from "./screen.ts";

export interface Terminal {
  size(): Size;
  write(text: string): void;
  /** @param onEnd A signal. */
  open(handlers: { onKeys(text: string): void; onResize(): void; onEnd(): void }): void;
  /** Safe twice. */
  close(): void;
}

const USUAL: Size = { columns: 80, rows: 24 };
/** The other screen, cleared, without a cursor; and back. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[0m\u001b[?25h\u001b[?1049l";
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * @param screen False: plain output, only its end is watched for.
 * @param write Where all output of commands goes.
 */
export function processTerminal(screen: boolean, write: (text: string) => void): Terminal {
  const { stdin, stdout } = process;
  const undo: (() => void)[] = [];
  return {
    size: () => ({ columns: stdout.columns || USUAL.columns, rows: stdout.rows || USUAL.rows }),
    write,
    open({ onKeys, onResize, onEnd }) {
      for (const signal of SIGNALS) {
        process.on(signal, onEnd);
        undo.push(() => process.off(signal, onEnd));
      }
      if (!screen) return;
      write(ENTER);
      undo.push(() => write(LEAVE));
      stdout.on("resize", onResize);
      undo.push(() => stdout.off("resize", onResize));
      if (stdin.isTTY !== true) return;
      const take = (chunk: Uint8Array): void => onKeys(Buffer.from(chunk).toString("utf8"));
      stdin.setRawMode(true);
      stdin.on("data", take);
      undo.push(() => {
        stdin.off("data", take);
        stdin.setRawMode(false);
        stdin.pause();
      });
    },
    close() {
      for (const step of undo.splice(0).toReversed()) step();
    },
  };
}
