/** Files by paths that others may tamper with: edge-lb often runs as root, and a folder may be another user's. */
import { closeSync, constants, lstatSync, openSync, readlinkSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { codeOf } from "../../errors.ts";

const ROOT = 0;
/** As many as Linux follows. */
const LINKS_MOST = 40;

/**
 * Opens a file without waiting for anybody, and follows links only where root or this user made them: whoever may write to
 * the folder could otherwise point edge-lb at any file of the machine.
 * @param flags Beside O_NOFOLLOW and O_NONBLOCK.
 * @throws Error with `code` as node:fs has it; ELOOP for somebody else's link
 */
export function openFile(path: string, flags: number, mode: number): number {
  try {
    return openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode);
  } catch (error) {
    if (codeOf(error) !== "ELOOP") throw error;
  }
  const links = linksFrom(path);
  const fd = openSync(path, flags | constants.O_NONBLOCK, mode);
  // they could have been others meanwhile
  if (links === linksFrom(path)) return fd;
  closeSync(fd);
  throw strangersLink(path);
}

/** Every link from the path to its file, as a text that is another one when any of them is. @throws Error ELOOP */
function linksFrom(path: string): string {
  const links: string[] = [];
  let at = resolve(path);
  for (let count = 0; count < LINKS_MOST; count++) {
    const link = lstatSync(at, { throwIfNoEntry: false });
    if (link?.isSymbolicLink() !== true) return links.join("\n");
    if (link.uid !== ROOT && link.uid !== process.geteuid?.()) throw strangersLink(at);
    links.push(`${at} ${link.ino} ${link.ctimeMs}`);
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw Object.assign(new Error(`too many links from ${path}`), { code: "ELOOP" });
}

function strangersLink(path: string): Error {
  return Object.assign(new Error(`${path} is a link that another user made`), { code: "ELOOP" });
}
