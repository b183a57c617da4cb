/** `--log-to`: stderr, a file, syslog over UDP, or a unix socket such as /dev/log. */
import { formatEndpoint } from "../../core/address.ts";
import { fit, unfit, type Reading } from "./text.ts";
import type { Codec } from "./codec.ts";

export type LogTarget =
  | { readonly kind: "stderr" }
  | { readonly kind: "file"; readonly path: string }
  | ({ readonly kind: "udp"; readonly host: string; readonly port: number } & SyslogStyle)
  | ({ readonly kind: "unix"; readonly path: string } & SyslogStyle);

export interface SyslogStyle {
  /** RFC 5424 §6.2.1: 0 to 23. */
  readonly facility: number;
  readonly rfc: 3164 | 5424;
}

/** In the order of their codes. */
const FACILITIES = (
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock " +
  "local0 local1 local2 local3 local4 local5 local6 local7"
).split(" ");
const SYSLOG_PORT = 514;
const WANTED = "stderr, a file's path, syslog://HOST:PORT?facility=local2 or unix:PATH";

export function readLogTarget(text: string): Reading<LogTarget> {
  if (text === "stderr") return fit({ kind: "stderr" });
  if (text.startsWith("syslog://")) return readUdp(text);
  if (text.startsWith("unix:")) return readUnix(text.slice("unix:".length));
  // anything else that looks like an address was meant as one
  if (text === "" || text.includes("://")) return unfit(WANTED);
  return fit({ kind: "file", path: text });
}

function readUdp(text: string): Reading<LogTarget> {
  if (!URL.canParse(text)) return unfit(WANTED);
  const url = new URL(text);
  if (url.hostname === "" || !["", "/"].includes(url.pathname)) return unfit(WANTED);
  const style = readStyle(url.searchParams, 5424);
  if (!style.ok) return style;
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return fit({ kind: "udp", host, port: Number(url.port) || SYSLOG_PORT, ...style.value });
}

/** Local daemons read the older form everywhere. */
function readUnix(text: string): Reading<LogTarget> {
  const [path = "", query = ""] = text.split("?");
  if (!path.startsWith("/")) return unfit("unix: with an absolute path");
  const style = readStyle(new URLSearchParams(query), 3164);
  return style.ok ? fit({ kind: "unix", path, ...style.value }) : style;
}

function readStyle(query: URLSearchParams, rfc: SyslogStyle["rfc"]): Reading<SyslogStyle> {
  for (const key of query.keys()) {
    if (key !== "facility" && key !== "rfc") return unfit("facility= and rfc= only", { found: key });
  }
  const name = query.get("facility") ?? "daemon";
  const facility = FACILITIES.indexOf(name);
  if (facility < 0) return unfit("a facility such as daemon or local2", { found: `facility=${name}` });
  const asked = query.get("rfc") ?? String(rfc);
  if (asked !== "3164" && asked !== "5424") return unfit("rfc=3164 or rfc=5424", { found: `rfc=${asked}` });
  return fit({ facility, rfc: asked === "3164" ? 3164 : 5424 });
}

/** As it could have been written, for reload logs. */
export function logTargetText(target: LogTarget): string {
  if (target.kind === "stderr") return "stderr";
  if (target.kind === "file") return target.path;
  const style = `?facility=${FACILITIES[target.facility]}&rfc=${target.rfc}`;
  return target.kind === "unix"
    ? `unix:${target.path}${style}`
    : `syslog://${formatEndpoint(target.host, target.port)}${style}`;
}

export const LOG_TARGET: Codec<LogTarget> = {
  read: readLogTarget,
  show: logTargetText,
  form: { pattern: "(?!(?!syslog:)[^/]*://).+" },
};
