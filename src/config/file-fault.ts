/** Why a file cannot be read, in words. */
import { codeOf } from "../errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  ESPIPE: "it is a pipe, which can be read only once",
  EPIPE: "it is a pipe, and nobody writes to it",
  ENXIO: "it is no file",
  EFBIG: "it has more than 64 MB",
};

export function fileFault(error: unknown): string {
  const code = codeOf(error) ?? "";
  return WORDS[code] ?? (code === "" ? "it cannot be read" : code);
}
