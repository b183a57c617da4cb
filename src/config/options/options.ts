/**
 * THE option table (a cluster's keys are in cluster-options.ts). Flags, YAML keys, `--help`, .github/OPTIONS.md, the configuration and its type,
 * what a reload says and what waits for a restart, and the snapshot's timeouts and limits derive from these options.
 */
import type { ServiceName } from "../../seam/services.ts";
import { IP, LISTEN_ADDRESS } from "../values/addresses.ts";
import { listOf, type Codec } from "../values/codec.ts";
import { parseSources, SOURCE } from "../values/discover-source.ts";
import { LOG_TARGET } from "../values/log-target.ts";
import { readDomain } from "../values/names.ts";
import { NAME_PATTERN } from "../values/patterns.ts";
import { fit, unfit } from "../values/text.ts";
import { choice, duration, ON_OFF, orOff, plain, whole } from "../values/values.ts";
import { ACCESS } from "./access-options.ts";
import { controlPath } from "./control-path.ts";
import { many, maybe, one, word, type Option } from "./option.ts";
import { DEFAULT_CLUSTER, DEFAULTS, LISTEN, optionsWith } from "./service-options.ts";
import { LIMITS, TIMEOUTS } from "./timeouts.ts";

/** More threads than this only share the same memory bandwidth; a typing mistake otherwise. */
const WORKERS_MOST = 64;

const CREDENTIALS: Codec<{ readonly user: string; readonly password: string }> = {
  read(text) {
    const [, user, password] = /^([^:]+):(.+)$/s.exec(text) ?? [];
    return user === undefined || password === undefined ? unfit("USER:PASSWORD") : fit({ user, password });
  },
  show: ({ user, password }) => `${user}:${password}`,
  form: { pattern: "[^:]+:[^]+" },
};

/** Flags that are no settings of a file. */
export const COMMAND_LINE = {
  file: maybe({
    flag: "config",
    short: "c",
    value: "FILE",
    yaml: null,
    help: "Read settings and clusters from this YAML file",
    reload: false,
    of: plain(fit),
  }),
  clusters: maybe({
    flag: "cluster",
    value: "NAME=ITEM[,ITEM...]",
    yaml: null,
    help: "A cluster: its nodes, then keys (repeatable)",
    of: plain(fit),
  }),
};

/** What clusters take over where they say nothing themselves: a change of these is one of the clusters. */
export const BASE = {
  domain: maybe({
    flag: "domain",
    value: "DOMAIN",
    help: "Base domain: cluster hub gets api.hub.DOMAIN and *.apps.hub.DOMAIN",
    of: plain(readDomain, NAME_PATTERN),
  }),
  rise: one({
    flag: "rise",
    value: "N",
    fallback: "3",
    help: "Good probes in a row until a node is up",
    of: whole(1, 100),
  }),
  fall: one({
    flag: "fall",
    value: "N",
    fallback: "2",
    help: "Bad probes in a row until a node is out",
    of: whole(1, 100),
  }),
  intervalMs: one({
    flag: "interval",
    value: "DURATION",
    fallback: "5s",
    help: "Time between two probes of a node",
    of: duration(100),
  }),
};

/** Options that are resolved once for the whole program. */
export const GLOBAL = {
  /** On services that `DEFAULTS` says nothing of. */
  defaultCluster: DEFAULT_CLUSTER,
  ...ACCESS,
  /** Null: off. */
  admin: one({
    flag: "admin",
    value: "ADDR:PORT|off",
    fallback: "127.0.0.1:50000",
    help: "Status page, JSON, metrics and CSV",
    reload: false,
    of: orOff(LISTEN_ADDRESS),
  }),
  adminAuth: maybe({
    flag: "admin-auth",
    value: "USER:PASSWORD",
    help: "Ask viewers for this; the variable EDGE_LB_ADMIN_AUTH does the same",
    reload: false,
    secret: true,
    of: CREDENTIALS,
  }),
  /** A path; null: off. */
  control: one({
    flag: "control",
    value: "PATH|off",
    fallback: controlPath,
    fallbackShown: "/run/edge-lb.sock, else $RUNTIME_DIRECTORY/control.sock or $XDG_RUNTIME_DIR/edge-lb.sock",
    help: "Socket for status, add, rm, drain and reload",
    reload: false,
    of: orOff(plain((text) => (text.startsWith("/") ? fit(text) : unfit("an absolute path or off")), "/.*")),
  }),
  /** Where clusters are looked for all the time. */
  discover: {
    ...many({
      flag: "discover",
      value: "SOURCE",
      help: "Find clusters there by the certificates they show (repeatable): net:CIDR, libvirt[:URI], proxmox:https://HOST:8006, kubeconfig:FILE",
      of: listOf(SOURCE),
    }),
    parse: parseSources,
  },
  /** Empty: off. */
  dns: many({
    flag: "dns",
    value: "ADDR:PORT,...|off",
    fallback: "off",
    help: "Answer DNS queries for the clusters' names there, with the address that was asked",
    reload: false,
    inert: "off",
    of: listOf(LISTEN_ADDRESS),
  }),
  /** Empty: the address that was asked. */
  dnsAnswer: many({
    flag: "dns-answer",
    value: "ADDR,...",
    fallbackShown: "the address asked",
    help: "What the names resolve to instead",
    of: listOf(IP),
  }),
  engine: word({
    flag: "engine",
    of: choice("auto", "linux", "bun", "node"),
    fallback: "auto",
    help: "What moves the bytes; auto takes the best that works here",
    reload: false,
  }),
  ring: word({
    flag: "ring",
    of: choice("auto", "off"),
    fallback: "auto",
    help: "Many sends with one system call (io_uring) on engine linux, where the kernel lets us",
    reload: false,
  }),
  workers: one({
    flag: "workers",
    value: "N",
    fallback: ({ cpus }) => String(Math.max(1, Math.min(cpus, 4))),
    fallbackShown: "CPUs, at most 4",
    help: "Threads that serve connections",
    reload: false,
    of: whole(1, WORKERS_MOST),
  }),
  /** Null: edge-lb, where root starts it and there is such a user. */
  user: maybe({
    flag: "user",
    value: "NAME",
    fallbackShown: "edge-lb, where there is one",
    help: "Who root's edge-lb becomes once it listens",
    reload: false,
    of: plain(
      (text) => (/^[a-z_][a-z0-9_-]{0,31}$/.test(text) ? fit(text) : unfit("the name of a user")),
      "[a-z_][a-z0-9_-]{0,31}",
    ),
  }),
  log: word({
    flag: "log",
    of: choice("text", "json", "haproxy"),
    fallback: "text",
    help: "Format of log lines",
    reload: false,
  }),
  logTo: one({
    flag: "log-to",
    value: "stderr|FILE|syslog://HOST:PORT?facility=local2|unix:PATH",
    fallback: "stderr",
    help: "Where log lines go",
    reload: false,
    of: LOG_TARGET,
  }),
  accessLog: one({
    flag: "access-log",
    value: "on|off",
    fallback: "on",
    help: "One line per connection or request, at its end",
    reload: false,
    of: ON_OFF,
  }),
};

/** The settings of the program, by their keys in the configuration. */
export const SETTINGS = { ...GLOBAL, defaults: DEFAULTS, listen: LISTEN, limits: LIMITS, timeouts: TIMEOUTS };
export type Settings = typeof SETTINGS;

/** The same with the options of further services. */
export function settingsWith(further: readonly ServiceName[]): Settings {
  return further.length === 0 ? SETTINGS : { ...SETTINGS, ...optionsWith(further) };
}

/** Options in the order of `--help` and of .github/OPTIONS.md. */
export const SECTIONS: readonly { readonly title: string; readonly options: readonly Option<unknown>[] }[] = [
  {
    title: "Clusters",
    options: [COMMAND_LINE.clusters, COMMAND_LINE.file, BASE.domain, GLOBAL.defaultCluster, GLOBAL.discover],
  },
  { title: "Listeners", options: Object.values(LISTEN) },
  {
    title: "Access and limits",
    options: [
      GLOBAL.allow,
      GLOBAL.acceptProxy,
      GLOBAL.trustedProxies,
      GLOBAL.forwarded,
      GLOBAL.maxConnections,
      GLOBAL.maxConnectionsPerClient,
      ...Object.values(LIMITS),
    ],
  },
  { title: "Health", options: [BASE.rise, BASE.fall, BASE.intervalMs] },
  { title: "Timeouts", options: Object.values(TIMEOUTS) },
  { title: "Status and control", options: [GLOBAL.admin, GLOBAL.adminAuth, GLOBAL.control] },
  { title: "DNS", options: [GLOBAL.dns, GLOBAL.dnsAnswer] },
  {
    title: "Process and logs",
    options: [GLOBAL.engine, GLOBAL.ring, GLOBAL.workers, GLOBAL.user, GLOBAL.log, GLOBAL.logTo, GLOBAL.accessLog],
  },
];

/** As help and documents show the options of further services: which there are, `listen` says. */
export const FURTHER_NAME = "NAME";
export const FURTHER_LISTEN: Option<unknown> =
  new Map(Object.entries(settingsWith([FURTHER_NAME]).listen)).get(FURTHER_NAME) ?? LISTEN.api;

/** Every option that is not a cluster's key. */
export const TOP_OPTIONS: readonly Option<unknown>[] = SECTIONS.flatMap((section) => section.options);
