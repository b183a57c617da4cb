/** Log lines to a syslog daemon: one message a line, over UDP or a unix socket. */
import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import type { LogTarget, SyslogStyle } from "../../config/values/log-target.ts";
import type { LogEntry, LogLevel, LogWriter } from "./sink.ts";
import type { UnixDatagram } from "../../runtime/kernel/unix-datagram.ts";
import { MONTHS } from "../../core/http/date.ts";

export interface SyslogSender {
  readonly program: string;
  readonly pid: number;
  readonly host: string;
  /** Lines begin with an ISO time that the header says again. */
  readonly stripTime: boolean;
}

/** Severities of RFC 5424 §6.2.1. */
const SEVERITIES: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6 };
/** RFC 5426 §3.2: every receiver takes 480 bytes and should take 2,048; rsyslog and syslog-ng take 8 KB. */
const MOST_BYTES = 8_192;

/** `Nov 23 20:46:00` in UTC (RFC 3164 §4.1.2: the day is padded with a space). */
export function rfc3164Time(at: Date): string {
  const day = String(at.getUTCDate()).padStart(2, " ");
  return `${MONTHS[at.getUTCMonth()] ?? ""} ${day} ${at.toISOString().slice(11, 19)}`;
}

/** One message. RFC 5424 §6 with nil message id and structured data; or RFC 3164 §4.1. */
export function syslogMessage(
  line: string,
  level: LogLevel,
  style: SyslogStyle,
  sender: SyslogSender,
  at: Date,
): string {
  const priority = style.facility * 8 + SEVERITIES[level];
  const text = sender.stripTime ? line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, "") : line;
  const { host, program, pid } = sender;
  if (style.rfc === 3164) return `<${priority}>${rfc3164Time(at)} ${host} ${program}[${pid}]: ${text}`;
  return `<${priority}>1 ${at.toISOString()} ${host} ${program} ${pid} - - ${text}`;
}

export function syslogMessages(
  entries: readonly LogEntry[],
  style: SyslogStyle,
  sender: SyslogSender,
): readonly Uint8Array[] {
  const at = new Date();
  return entries.flatMap(({ text, level }) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => new TextEncoder().encode(syslogMessage(line, level, style, sender, at)).subarray(0, MOST_BYTES)),
  );
}

/** UDP: a dead daemon is noticed at best by an ICMP answer, and lines go on leaving. */
export function datagramWriter(target: Extract<LogTarget, { kind: "udp" }>, sender: SyslogSender): LogWriter {
  const socket: Socket = createSocket(target.host.includes(":") ? "udp6" : "udp4");
  socket.on("error", () => {}); // told by the send's own callback
  socket.unref();
  return {
    write(entries, done) {
      const messages = syslogMessages(entries, target, sender);
      let left = messages.length;
      let lost = 0;
      if (left === 0) done(0);
      for (const message of messages) {
        socket.send(message, target.port, target.host, (error) => {
          if (error) lost += 1;
          if (--left === 0) done(lost);
        });
      }
    },
  };
}

const CONNECT_MS = 1_000;

/** A unix socket: datagrams, as /dev/log has them; else a stream, each message ended by a line feed. */
export function socketWriter(
  target: Extract<LogTarget, { kind: "unix" }>,
  sender: SyslogSender,
  datagram: UnixDatagram | null,
): LogWriter {
  return {
    write(entries, done) {
      const messages = syslogMessages(entries, target, sender);
      const unsent = datagram === null ? messages : messages.filter((message) => !datagram.send(target.path, message));
      if (unsent.length === 0) done(0);
      else sendStream(target.path, unsent, (sent) => done(sent ? 0 : unsent.length));
    },
  };
}

function sendStream(path: string, messages: readonly Uint8Array[], done: (sent: boolean) => void): void {
  let sent = false;
  const socket = connect({ path });
  socket.setTimeout(CONNECT_MS, () => socket.destroy());
  socket.on("connect", () => {
    for (const message of messages) socket.write(Buffer.concat([message, Buffer.from("\n")]));
    socket.end(() => (sent = true));
  });
  socket.on("error", () => socket.destroy());
  socket.on("close", () => done(sent));
}
