/** The process's own output, files and variables: the one place where a command's results leave edge-lb. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Io } from "./io.ts";

const STANDARD_INPUT = 0;

export function processIo(): Io {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readFile: (path) => readFileSync(path === "-" ? STANDARD_INPUT : path, "utf8"),
    writeFile: (path, text) => writeFileSync(path, text),
    env: process.env,
    isTerminal: process.stdout.isTTY === true,
  };
}
