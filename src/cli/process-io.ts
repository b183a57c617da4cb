/** The process's own output, files and variables: the one place where a command's results leave edge-lb. */
import { closeSync, constants, readFileSync, writeFileSync } from "node:fs";
import { isatty } from "node:tty";
import { openFile } from "../control/files/open-file.ts";
import type { Io } from "./io.ts";
import { Output } from "./output.ts";

const STANDARD_INPUT = 0;
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

export function processIo(): Io {
  const out = new Output(STANDARD_OUTPUT);
  const err = new Output(STANDARD_ERROR);
  return {
    out: (text) => out.write(text),
    err: (text) => err.write(text),
    flush: async (withinMs) => {
      const [lost, untold] = await Promise.all([out.flush(withinMs), err.flush(withinMs)]);
      return lost ?? untold;
    },
    readFile: (path) => readFileSync(path === "-" ? STANDARD_INPUT : path, "utf8"),
    writeFile,
    env: process.env,
    isTerminal: isatty(STANDARD_OUTPUT),
  };
}

function writeFile(path: string, text: string): void {
  const fd = openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o666);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
