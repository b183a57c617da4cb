/** What holds for the whole program: listeners, limits, logs, the status page, who may come. */
import { isPrivate, listenText } from "../../config/values/addresses.ts";
import { readLogTarget, type LogTarget } from "../../config/values/log-target.ts";
import type { Option } from "../../config/options/option.ts";
import { GLOBAL, settingsWith } from "../../config/options/options.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { Ledger } from "../source/ledger.ts";
import type { Source } from "../source/configuration.ts";
import { wordAt, wordsFrom, type SourceLine } from "../source/lexer.ts";
import type { Proxy } from "../source/proxies.ts";
import { notedOption, optionTexts, type Origin, type OptionTexts } from "./imported.ts";
import type { Entry } from "../routes/entry.ts";
import { isFurther, servicesOf } from "../routes/services.ts";

function origin(line: SourceLine, fate: Origin["fate"], why: string): Origin {
  return { line, fate, why };
}

/** `:6443` and so on; a kind nobody listens for is off, because edge-lb's defaults would take the port. */
export function listenOptions(entries: readonly Entry[], ledger: Ledger): OptionTexts[] {
  const services = servicesOf(entries);
  const { listen } = settingsWith(services.map(({ name }) => name).filter(isFurther));
  const options: Readonly<Partial<Record<ServiceName, Option<unknown>>>> = listen;
  return services.flatMap(({ name: kind, privateOnly }) => {
    const binds = entries.filter((entry) => entry.kind === kind).flatMap((entry) => entry.binds);
    const fit = privateOnly ? binds.filter((bind) => isPrivate(bind.ip)) : binds;
    for (const bind of binds.filter((one) => !fit.includes(one))) {
      const why = "the machine-config server hands out secrets: edge-lb serves it on a private address only";
      const todo = `listen on the bridge's address: mcs: "192.168.122.1:${bind.port}" under listen:`;
      ledger.note(bind.line, "cannot", why, { code: "mcs-public", todo });
    }
    for (const bind of fit.filter((one) => one.acceptProxy)) {
      const todo = "say who adds the header: --accept-proxy ADDR,...";
      const why = "edge-lb reads a PROXY header only from peers that it is told";
      ledger.note(bind.line, "cannot", why, { code: "accept-proxy", todo });
    }
    const texts = [...new Set(fit.map(listenText))];
    const option = options[kind];
    if (option === undefined) return [];
    if (texts.length === 0) return optionTexts(option, ["off"]);
    const origins = fit.map((bind) => origin(bind.line, "carried", `listener ${kind} at ${listenText(bind)}`));
    return notedOption(option, texts, origins, ledger);
  });
}

export function limitOptions(source: Source, ledger: Ledger): OptionTexts[] {
  const line = globalLine(source, "maxconn");
  const most = Number(wordAt(line ?? NONE, 1));
  if (line === null || !(most >= 1 && most <= 1_000_000)) return [];
  ledger.note(line, "carried", `max-connections ${most}; what comes beyond hears why instead of waiting unseen`);
  return optionTexts(GLOBAL.maxConnections, [String(most)]);
}

const NONE: SourceLine = { words: [], line: 0, lastLine: 0, text: "" };

export function globalLine(source: Source, keyword: string): SourceLine | null {
  const lines = source.sections.filter((section) => section.kind === "global").flatMap((section) => section.lines);
  return lines.findLast((line) => wordAt(line, 0) === keyword) ?? null;
}

/**
 * The first `log` of `global`; the default target needs no option.
 * @param isRead Whether somebody reads what is sent there: a log that nobody reads is silence.
 */
export function logOptions(source: Source, isRead: (target: LogTarget) => boolean, ledger: Ledger): OptionTexts[] {
  const globals = source.sections.filter((section) => section.kind === "global");
  const lines = globals.flatMap((section) => section.lines).filter((line) => wordAt(line, 0) === "log");
  const [first, ...others] = lines;
  for (const line of others)
    ledger.note(line, "changed", "edge-lb writes its log to one place", { code: "second-log" });
  if (first === undefined) return [];
  const target = logTarget(wordsFrom(first, 1));
  if (target === null) {
    ledger.note(first, "cannot", "this log target is not known to edge-lb", {
      code: "log-target",
      todo: "choose one with log-to",
    });
    return [];
  }
  const reading = readLogTarget(target);
  if (reading.ok && !isRead(reading.value)) {
    const why = `nothing on this machine reads ${target}: the log goes to standard error`;
    ledger.note(first, "changed", why, {
      code: "log-unread",
      todo: `log-to: "${target}" once something does, or import with --keep-log`,
    });
    return [];
  }
  return notedOption(GLOBAL.logTo, [target], [origin(first, "carried", `log-to ${target}`)], ledger);
}

/** `log ADDRESS [len N] [format F] [sample S] FACILITY [LEVEL]`. */
function logTarget(words: readonly string[]): string | null {
  const [, address = "", facility] = /^(\S+)(?: (?:len|format|sample) \S+)*(?: (\S+))?/.exec(words.join(" ")) ?? [];
  if (["stdout", "stderr", "fd@1", "fd@2"].includes(address)) return "stderr";
  if (address.startsWith("/")) return `unix:${address}`;
  const plain = address.replace(/^udp@/, "");
  if (plain === "global" || plain.includes("@")) return null;
  const [, host = "", port = "514"] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(plain) ?? [];
  return host === "" ? null : `syslog://${host}:${port}${facility === undefined ? "" : `?facility=${facility}`}`;
}

/** The status page takes the port of the stats page, on loopback. */
export function adminOptions(statsPages: readonly Proxy[], ledger: Ledger): OptionTexts[] {
  const [page] = statsPages;
  const bind = page?.binds[0];
  if (page === undefined || bind === undefined) return [];
  const at = isPrivate(bind.ip) && bind.ip.startsWith("127.") ? bind.ip : "127.0.0.1";
  const text = `${at}:${bind.port}`;
  const said = {
    ...origin(bind.line, "changed", `the status page is at ${text}: on this machine only`),
    todo: "for others: --admin with --admin-auth",
  };
  return notedOption(GLOBAL.admin, [text], [said], ledger);
}
