/** The process's own output, files and variables: the one place where a command's results leave edge-lb. */
import { closeSync, constants, readFileSync, writeFileSync } from "node:fs";
import { isatty } from "node:tty";
import { openFile } from "../../control/files/open-file.ts";
import { readRegular, readWhole } from "../../control/files/read-file.ts";
import { takePassedSockets } from "../../control/machine/passed-sockets.ts";
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
    readFile: reader(),
    writeFile,
    env: process.env,
    passed: takePassedSockets(process.env),
    isTerminal: isatty(STANDARD_OUTPUT),
  };
}

/** A pipe can be read once, and only at first: later, a running edge-lb would wait until somebody writes to it. */
function reader(): Io["readFile"] {
  const known = new Set<string>();
  return (path) => {
    const again = known.has(path);
    known.add(path);
    if (path !== "-") return again ? readRegular(path) : readWhole(path);
    if (again) throw Object.assign(new Error(`${path} was read already`), { code: "ESPIPE" });
    return readFileSync(STANDARD_INPUT, "utf8");
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
