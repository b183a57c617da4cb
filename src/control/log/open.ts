/** The sink that `--log-to` names. */
import { hostname } from "node:os";
import type { LogTarget } from "../../config/values/log-target.ts";
import type { LogFormat } from "../../config/model.ts";
import { loadUnixDatagram } from "../../runtime/kernel/load-datagram.ts";
import { descriptorWriter, fileWriter } from "./file.ts";
import { QueuedSink, type LogSink } from "./sink.ts";
import { datagramWriter, rfc3164Time, socketWriter, type SyslogSender } from "./syslog.ts";

/** @throws EdgeError when the file cannot be opened */
export async function openSink(target: LogTarget, format: LogFormat): Promise<LogSink> {
  // HAProxy leaves date, host and program to syslog; in a file they are wanted all the same
  const prefix = format === "haproxy" ? syslogPrefix : null;
  const own = format === "json" ? "json" : "text";
  switch (target.kind) {
    case "stderr":
      return new QueuedSink(descriptorWriter(2, prefix), own);
    case "file":
      return new QueuedSink(fileWriter(target.path, prefix), own);
    case "udp":
      return new QueuedSink(datagramWriter(target, senderOf(format)), own);
    case "unix":
      return new QueuedSink(socketWriter(target, senderOf(format), await loadUnixDatagram()), own);
  }
}

const PROGRAM = "edge-lb";

function senderOf(format: LogFormat): SyslogSender {
  // text lines begin with a time of their own, which the header has already
  return { program: PROGRAM, pid: process.pid, host: hostname(), stripTime: format === "text" };
}

function syslogPrefix(): string {
  return `${rfc3164Time(new Date())} ${hostname()} ${PROGRAM}[${process.pid}]: `;
}
