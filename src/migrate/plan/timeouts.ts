/** HAProxy's timeouts as edge-lb's, which mean something else for tunnels. */
import { TIMEOUTS } from "../../config/options/timeouts.ts";
import { DURATION_MOST_MS } from "../../config/values/values.ts";
import type { Option } from "../../config/options/option.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { Ledger } from "../source/ledger.ts";
import type { Source } from "../source/configuration.ts";
import { readHaproxyTime } from "../source/duration.ts";
import { wordAt, type SourceLine } from "../source/lexer.ts";
import { type Proxy } from "../source/proxies.ts";
import { lastLine } from "../source/sections.ts";
import { optionTexts, type OptionTexts } from "./imported.ts";
import type { Unit } from "./units.ts";

/** `kubectl exec`, `logs -f` and watches may be silent for minutes; a limit below this was not set for them. */
const TUNNEL_LEAST_MS = 600_000;
/** A connect timeout beyond this leaves no time to try a second node within dial-total. */
const CONNECT_MOST_MS = 5_000;

export function timeoutOptions(
  source: Source,
  units: readonly Unit[],
  stats: readonly Proxy[],
  ledger: Ledger,
): OptionTexts[] {
  for (const section of source.sections) {
    const isStats = stats.some((proxy) => proxy.section === section);
    for (const line of section.lines) if (wordAt(line, 0) === "timeout") noteTimeout(line, isStats, ledger);
  }
  const entries = new Set(units.flatMap((unit) => unit.routes.map((route) => route.entry)));
  const http = [...entries].filter((entry) => entry.proxy.mode === "http").map((entry) => entry.proxy);
  const tcp = [...entries].filter((entry) => entry.proxy.mode === "tcp").map((entry) => entry.proxy);
  const backends = units.map((unit) => unit.backend);
  const all = [...entries].map((entry) => entry.proxy);
  return [
    ...optionOf(
      TIMEOUTS.hello,
      tcp.flatMap((proxy) => time(lastLine(proxy.section, ["tcp-request", "inspect-delay"]), 2)),
    ),
    ...optionOf(
      TIMEOUTS.connect,
      timeouts(backends, "connect").filter((ms) => ms <= CONNECT_MOST_MS),
    ),
    ...optionOf(TIMEOUTS.httpHead, timeouts(http, "http-request")),
    ...optionOf(TIMEOUTS.keepAlive, timeouts(http, "http-keep-alive")),
    ...optionOf(TIMEOUTS.apiIdle, idle(units, "api")),
    ...optionOf(TIMEOUTS.ingressIdle, [...idle(units, "https"), ...idle(units, "http")]),
    ...optionOf(TIMEOUTS.halfClosed, [...timeouts(all, "client-fin"), ...timeouts(backends, "server-fin")]),
  ];
}

/** One program has one value: the most generous. */
function optionOf(option: Option<number>, values: readonly number[]): OptionTexts[] {
  if (values.length === 0) return [];
  return optionTexts(option, [option.show(Math.min(DURATION_MOST_MS, Math.max(1, ...values)))]);
}

function timeouts(proxies: readonly Proxy[], name: string): number[] {
  return proxies.flatMap((proxy) => time(lastLine(proxy.section, ["timeout", name]), 2));
}

function time(line: SourceLine | null, index: number): number[] {
  const ms = line === null ? null : readHaproxyTime(wordAt(line, index));
  return ms === null ? [] : [ms];
}

/** How long a silent tunnel of these pools lives in the source, where that was long enough to be meant. */
function idle(units: readonly Unit[], kind: ServiceName): number[] {
  return units
    .filter((unit) => unit.kind === kind)
    .flatMap((unit) => {
      const front = unit.routes.map((route) => route.entry.proxy);
      const tunnel = timeouts([...front, unit.backend], "tunnel");
      const sides = [...timeouts(front, "client"), ...timeouts([unit.backend], "server")];
      const ms = tunnel.length > 0 ? Math.max(...tunnel) : sides.length > 0 ? Math.min(...sides) : 0;
      return ms >= TUNNEL_LEAST_MS ? [ms] : [];
    });
}

function noteTimeout(line: SourceLine, isStats: boolean, ledger: Ledger): void {
  const name = wordAt(line, 1);
  const ms = readHaproxyTime(wordAt(line, 2)) ?? 0;
  if (isStats) ledger.note(line, "not-needed", "the status page has limits of its own");
  else if (name === "client" || name === "server" || name === "tunnel") noteIdle(line, ms, ledger);
  else if (name === "connect" && ms > CONNECT_MOST_MS) {
    ledger.note(line, "changed", "a node has 3 s to take the connection, then the same client goes to the next node");
  } else if (name === "check") {
    ledger.note(line, "changed", "a probe has 2 s: a node that needs longer is no help to clients");
  } else if (name === "queue" || name === "tarpit") {
    ledger.note(line, "not-needed", "edge-lb does not queue connections before nodes");
  } else {
    ledger.note(line, "carried", CARRIED[name] ?? `timeout ${name}`);
  }
}

const CARRIED: Readonly<Record<string, string>> = {
  connect: "timeouts.connect",
  "http-request": "timeouts.http-head",
  "http-keep-alive": "timeouts.keep-alive",
  "client-fin": "timeouts.half-closed",
  "server-fin": "timeouts.half-closed",
};

function noteIdle(line: SourceLine, ms: number, ledger: Ledger): void {
  if (ms >= TUNNEL_LEAST_MS) {
    ledger.note(line, "carried", "timeouts.api-idle and timeouts.ingress-idle, the longest of the file");
  } else {
    ledger.note(
      line,
      "changed",
      "tunnels may be silent for 24 h (API) or 1 h (ingress); TCP keepalive finds dead peers",
    );
  }
}
