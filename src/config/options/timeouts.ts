/** The timeouts, and the limits of HTTP heads: groups of the option table. */
import { forData, one, type Option } from "./option.ts";
import { duration, whole } from "../values/values.ts";

/** `--timeout NAME=DURATION`, repeatable; milliseconds. */
export const TIMEOUTS = {
  hello: forData(timeoutOption("hello", "5s", "Until the client's TLS hello is complete")),
  connect: forData(timeoutOption("connect", "3s", "To connect to one node, then the next is tried")),
  dialTotal: forData(timeoutOption("dial-total", "8s", "To connect to any node of the cluster")),
  httpHead: forData(timeoutOption("http-head", "10s", "Until the head of a request is complete")),
  httpBody: forData(timeoutOption("http-body", "30s", "Between two bytes of a request's body")),
  keepAlive: forData(timeoutOption("keep-alive", "60s", "Between two requests of one HTTP connection")),
  apiIdle: timeoutOption("api-idle", "24h", "API tunnel without traffic; 0s: no limit", 0),
  ingressIdle: timeoutOption("ingress-idle", "1h", "Ingress tunnel or response without traffic; 0s: no limit", 0),
  halfClosed: forData(timeoutOption("half-closed", "30s", "Tunnel whose one side has finished")),
  shutdownDelay: timeoutOption(
    "shutdown-delay",
    "0s",
    "From the signal to stop until clients are refused; not ready meanwhile",
    0,
  ),
  drain: timeoutOption("drain", "30s", "For tunnels to end on shutdown or removal, then they are cut", 0),
  wake: forData(timeoutOption("wake", "8s", "For a TLS client until a node of its sleeping cluster (wake=) is awake")),
  linger: forData(timeoutOption("linger", "1s", "For a client to read an alert or error page")),
  probe: timeoutOption("probe", "2s", "For one health probe"),
  gone: timeoutOption("gone", "10m", "Until a discovered node that does not answer is forgotten"),
};

/** `--limit NAME=NUMBER`, repeatable: what the head of a request or answer may hold; 414, 431 and 502 beyond. */
export const LIMITS = {
  httpLine: forData(limitOption("http-line", 8_192, 256, 65_536, "Bytes of a request line")),
  httpHead: forData(limitOption("http-head", 65_536, 1_024, 1_048_576, "Bytes of a request's or an answer's head")),
  httpFields: forData(limitOption("http-fields", 128, 8, 1_024, "Fields of a request's or an answer's head")),
};

function limitOption(name: string, fallback: number, least: number, most: number, help: string): Option<number> {
  return one({
    flag: "limit",
    item: name,
    value: "NUMBER",
    yaml: `limits.${name}`,
    fallback: String(fallback),
    help,
    of: whole(least, most),
  });
}

function timeoutOption(name: string, fallback: string, help: string, leastMs = 1): Option<number> {
  return one({
    flag: "timeout",
    item: name,
    value: "DURATION",
    yaml: `timeouts.${name}`,
    fallback,
    help,
    of: duration(leastMs),
  });
}
