/** The first lines of requests and responses. */
import { allOf, CLASS, SP, TARGET, TOKEN } from "./bytes.ts";
import type { HeadFault, StartLine } from "./head.ts";

/** `HTTP/1.1`: RFC 9112 §2.3 fixes the length and the case. */
const VERSION_LENGTH = 8;
const ZERO = 48;
const NINE = 57;
const LOWEST_STATUS = 100;

/** `method SP request-target SP HTTP-version`, single spaces only; RFC 9112 §3. Offsets into the head's bytes. */
export class RequestLine implements StartLine {
  readonly afterEmptyLine = true;
  methodTo = 0;
  targetFrom = 0;
  targetTo = 0;
  minor: 0 | 1 = 1;

  read(bytes: Uint8Array, from: number, to: number): HeadFault | null {
    let at = from;
    while (at < to && ((CLASS[bytes[at] ?? 0] ?? 0) & TOKEN) !== 0) at++;
    if (at === from || at === to || bytes[at] !== SP) return "start-line";
    this.methodTo = at;
    this.targetFrom = at + 1;
    this.targetTo = to - VERSION_LENGTH - 1;
    if (this.targetTo <= this.targetFrom || bytes[this.targetTo] !== SP) return "start-line";
    if (!allOf(bytes, this.targetFrom, this.targetTo, TARGET)) return "target";
    const minor = minorVersion(bytes, this.targetTo + 1);
    if (minor === null) return "start-line";
    if (minor === "other") return "version";
    this.minor = minor;
    return null;
  }
}

/**
 * `HTTP-version SP status-code SP [reason-phrase]`, RFC 9112 §4. A missing space after the code is let through: some servers leave
 * it out together with the phrase, and no reader takes the line for anything else.
 */
export class StatusLine implements StartLine {
  /** Not RFC 9112's: it is what an answer before that was two bytes longer than it said leaves, and other proxies let it pass. */
  readonly afterEmptyLine = true;
  minor: 0 | 1 = 1;
  status = 0;

  read(bytes: Uint8Array, from: number, to: number): HeadFault | null {
    const code = from + VERSION_LENGTH + 1;
    if (to < code + 3 || bytes[code - 1] !== SP) return "start-line";
    const minor = minorVersion(bytes, from);
    if (minor === null) return "start-line";
    if (minor === "other") return "version";
    this.minor = minor;
    this.status = 0;
    for (let at = code; at < code + 3; at++) {
      const digit = bytes[at] ?? 0;
      if (digit < ZERO || digit > NINE) return "start-line";
      this.status = this.status * 10 + digit - ZERO;
    }
    if (this.status < LOWEST_STATUS || (to > code + 3 && bytes[code + 3] !== SP)) return "start-line";
    return null;
  }
}

/** The minor version of `HTTP/1.x` at `at`; "other": a version that edge-lb does not speak; null: not a version. */
function minorVersion(bytes: Uint8Array, at: number): 0 | 1 | "other" | null {
  const spelled =
    bytes[at] === 0x48 &&
    bytes[at + 1] === 0x54 &&
    bytes[at + 2] === 0x54 &&
    bytes[at + 3] === 0x50 &&
    bytes[at + 4] === 0x2f &&
    bytes[at + 6] === 0x2e;
  const major = (bytes[at + 5] ?? 0) - ZERO;
  const minor = (bytes[at + 7] ?? 0) - ZERO;
  if (!spelled || major < 0 || major > 9 || minor < 0 || minor > 9) return null;
  return major === 1 && (minor === 0 || minor === 1) ? minor : "other";
}
