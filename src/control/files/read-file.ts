/** Reading a file whose path an operator gave, without ever waiting for somebody who may not come. */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { codeOf } from "../../errors.ts";

/** Far more than any configuration or map has; a device may have no end. */
const BYTES_MOST = 64 << 20;
const PIECE_BYTES = 65_536;

/** How long it waits for a pipe. */
export interface Patience {
  /** For somebody to open it for writing. */
  readonly writerMs: number;
  /** For whoever has to write. */
  readonly silentMs: number;
}

/** For the start of a command, which may be given what another one writes. */
const OF_A_COMMAND: Patience = { writerMs: 5_000, silentMs: Infinity };
const AGAIN_MS = 10;

/** A regular file as text. @throws Error with `code`: ESPIPE for a pipe, which could be read only once; EISDIR, ENXIO for what else is no file */
export function readRegular(path: string): string {
  return withFile(path, (fd) => {
    const found = fstatSync(fd);
    if (found.isFIFO()) throw fault("ESPIPE", `${path} is a pipe`);
    if (!found.isFile() && !found.isDirectory()) throw fault("ENXIO", `${path} is no regular file`);
    return readFileSync(fd, "utf8");
  });
}

/**
 * A file or a pipe, to its end, as text.
 * @throws Error with `code`: EPIPE where nobody writes; EFBIG
 */
export function readWhole(path: string, patience = OF_A_COMMAND): string {
  return withFile(path, (fd) => {
    const pieces: Buffer[] = [];
    const startMs = performance.now();
    for (let bytes = 0; ;) {
      const piece = readPiece(fd);
      if (piece !== null && piece.length > 0) {
        pieces.push(piece);
        bytes += piece.length;
        if (bytes > BYTES_MOST) throw fault("EFBIG", `${path} has no end`);
        continue;
      }
      const ended = piece !== null && (bytes > 0 || !fstatSync(fd).isFIFO());
      if (ended) return Buffer.concat(pieces).toString("utf8");
      const waitMs = piece === null ? patience.silentMs : patience.writerMs;
      if (performance.now() - startMs > waitMs) throw fault("EPIPE", `nobody writes to ${path}`);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS);
    }
  });
}

function withFile(path: string, read: (fd: number) => string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return read(fd);
  } finally {
    closeSync(fd);
  }
}

/** @returns empty: the end, or a pipe that nobody writes to; null: nothing yet */
function readPiece(fd: number): Buffer | null {
  const piece = Buffer.allocUnsafe(PIECE_BYTES);
  try {
    return piece.subarray(0, readSync(fd, piece, 0, PIECE_BYTES, null));
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return null;
    throw error;
  }
}

function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
