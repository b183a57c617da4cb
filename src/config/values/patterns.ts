/**
 * How values look, as sources of regular expressions for the JSON Schema of the file. An editor checks with them while somebody
 * types; what counts is what the codecs read, so these may let pass what only a codec finds wrong, and never the reverse.
 */

const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${OCTET}(\\.${OCTET}){3}`;
const IPV6 = "[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*";
const LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?";

export const NAME_PATTERN = `${LABEL}(\\.${LABEL})*\\.?`;
/** A name, and all names below one. */
export const WILDCARD_PATTERN = `(\\*\\.)?${NAME_PATTERN}`;
/** A host name whose last label starts with a digit would be a mistyped address. */
const HOST = `(?!\\d+\\.\\d+\\.\\d+\\.)(${LABEL}\\.)*[A-Za-z_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\\.?`;
const RANGE = `${IPV4}-(\\d{1,3}|${IPV4})|${IPV6}-${IPV6}|\\[${IPV6}-${IPV6}\\]|\\[${IPV6}\\]-\\[${IPV6}\\]`;
export const NODE_PATTERN = `(${IPV4}|${IPV6}|\\[${IPV6}\\]|${RANGE}|${HOST})`;
export const CIDR_PATTERN = `(${IPV4}(/([0-9]|[12]\\d|3[0-2]))?|\\[?${IPV6}\\]?(/\\d{1,3})?)`;
const PORT = "(\\d{1,4}|[0-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])";
export const LISTEN_PATTERN = `(\\*|${IPV4}|\\[${IPV6}\\])?:${PORT}`;
export const DURATION_PATTERN = "\\d{0,10}(ms|s|m|h)";
