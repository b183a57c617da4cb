/** The cluster's part of the option table: keys of `--cluster NAME=ITEM[,ITEM...]` and of `clusters.NAME` in the file. */
import type { CheckMode } from "../../core/health/ladder.ts";
import {
  furtherService,
  SERVICES,
  type BuiltInName,
  type Policy,
  type Service,
  type ServiceName,
} from "../../seam/services.ts";
import { CIDR, NODES, type NodeSpec } from "../values/addresses.ts";
import { readApiName, readDomain, readNamePattern } from "../values/names.ts";
import { optionsOf } from "./option-group.ts";
import { many, maybe, one, word, type Option } from "./option.ts";
import { type Codec, listOf } from "../values/codec.ts";
import { BASE, FURTHER_NAME } from "./options.ts";
import { NAME_PATTERN, WILDCARD_PATTERN } from "../values/patterns.ts";
import { fit, unfit, type Reading } from "../values/text.ts";
import { choice, CONNECTIONS_MOST, duration, INSTANT, ON_OFF, plain, whole } from "../values/values.ts";

const PORT_MOST = 65_535;
const POLICIES = choice<Policy>("leastconn", "source", "host", "roundrobin");

const PROXY_VERSION: Codec<0 | 1 | 2> = {
  read(text) {
    if (text === "off") return fit(0);
    if (text === "v1") return fit(1);
    return text === "v2" ? fit(2) : unfit("v1, v2 or off");
  },
  show: (version) => (version === 0 ? "off" : `v${version}`),
  form: { words: ["off", "v1", "v2"] },
};

/** Run as it stands, without a shell. */
const PROGRAM = plain(readProgram, "/.*");

function readProgram(text: string): Reading<string> {
  return /^\/\P{Cc}*$/u.test(text) ? fit(text) : unfit("the absolute path of a program");
}

const PATTERNS = plain(readNamePattern, `(\\*|${WILDCARD_PATTERN})`);

/** A built-in service has its key in each of these groups; further services are added by `clusterWith`. */
type PerService<T> = Readonly<Record<BuiltInName, Option<T>>>;
type OwnNodes = Readonly<Record<Exclude<BuiltInName, "api">, Option<readonly NodeSpec[] | null>>>;

/** By their keys in a cluster's configuration. */
export const CLUSTER = {
  nodes: nodesOption("nodes", "Nodes of any role; items before the first key"),
  /** Null: taken from `nodes`. */
  api: orElse("nodes", nodesOption("api", "Nodes of the api pool, and no others")),
  ingress: orElse("nodes", nodesOption("ingress", "Nodes of the https and http pools, and no others")),
  /** Lists for one service alone; null: those of its role. */
  ownNodes: ofEach(
    SERVICES.filter(({ name, role }) => name !== role),
    ownNodesOption,
  ) as OwnNodes,
  /** D of `api.D` and `*.apps.D`; null: not known (yet), the label rule serves the cluster. */
  domain: maybe({
    ...placeOf("domain"),
    value: "DOMAIN",
    absent: "unknown",
    help: "Serves api.DOMAIN and *.apps.DOMAIN",
    of: plain(readDomain, NAME_PATTERN),
  }),
  /** `shop.lab`, `*.shop.lab` or `*`, lower case. */
  names: namesOption("names", "Further ingress names: shop.lab, *.shop.lab, * for all that nobody claims", PATTERNS),
  apiNames: namesOption(
    "api-names",
    "Further names of the API; * for all that nobody claims",
    plain(readApiName, `(\\*|${NAME_PATTERN})`),
  ),
  /** For one service alone; the built-in ones have none. */
  ownNames: ofEach([], ownNamesOption),
  ports: {
    ...(ofEach(SERVICES, portOption) as PerService<number>),
    ready: portKey("ready-port", "1936", "Where the ingress answers /healthz/ready"),
  },
  balance: ofEach(SERVICES, policyOption) as PerService<Policy>,
  check: word({
    ...placeOf("check"),
    of: choice<CheckMode>("auto", "readyz", "tls", "tcp", "off"),
    fallback: "auto",
    help: "How nodes are probed; auto takes the best that works",
  }),
  rise: inherited(BASE.rise),
  fall: inherited(BASE.fall),
  intervalMs: inherited(BASE.intervalMs),
  allow: many({
    ...placeOf("allow"),
    value: "CIDR,...",
    fallbackShown: "everyone",
    help: "Clients that may reach this cluster",
    of: listOf(CIDR),
  }),
  clients: many({
    ...placeOf("clients"),
    value: "CIDR,...",
    help: "Clients that this cluster takes where they name none; its nodes always",
    of: listOf(CIDR),
  }),
  /** 0: no limit. */
  maxConnections: one({
    ...placeOf("max-connections"),
    value: "N",
    fallback: "off",
    help: "Client connections to this cluster at a time",
    of: whole(1, CONNECTIONS_MOST, { off: 0 }),
  }),
  /** The version; 0: none. */
  sendProxy: one({
    ...placeOf("send-proxy"),
    value: "v1|v2|off",
    fallback: "off",
    help: "PROXY protocol to ingress nodes (never to the API)",
    of: PROXY_VERSION,
  }),
  /** Whose address nodes see: edge-lb's, or the client's own (IP_TRANSPARENT). */
  source: word({
    ...placeOf("source"),
    of: choice("edge", "client"),
    fallback: "edge",
    help: "Whose address nodes see; client needs engine linux, CAP_NET_ADMIN and edge-lb rules",
  }),
  allDown: word({
    ...placeOf("all-down"),
    of: choice("try", "refuse"),
    fallback: "try",
    help: "When no node is ready: try those that answer, or refuse",
  }),
  /** From its start or `add` on; a file has neither. Null: no end. */
  ttlMs: maybe({
    ...placeOf("ttl"),
    yaml: null,
    value: "DURATION",
    help: "The cluster leaves after this long; counts from the start or from add, so not in a file",
    of: duration(1_000),
  }),
  /** In ms since 1970. Null: no end. */
  untilMs: maybe({
    ...placeOf("until"),
    value: "TIME",
    help: "The cluster leaves then: 2026-12-01T18:00:00Z",
    of: INSTANT,
  }),
  /** The program that wakes its nodes. Null: none. */
  wake: maybe({
    ...placeOf("wake"),
    value: "PROGRAM",
    help: "Run when a client asks for a name of it and no node can take clients; the client waits (--timeout wake)",
    of: PROGRAM,
  }),
  /** The program that puts its nodes to sleep. Null: none. */
  sleep: maybe({
    ...placeOf("sleep"),
    value: "PROGRAM",
    help: "Run when nobody was connected for sleep-after",
    of: PROGRAM,
  }),
  sleepAfterMs: one({
    ...placeOf("sleep-after"),
    value: "DURATION",
    fallback: "30m",
    help: "Without a connection until sleep runs",
    of: duration(1_000),
  }),
  redirectHttps: one({
    ...placeOf("redirect-https"),
    value: "on|off",
    fallback: "off",
    help: "Answer plain HTTP with a redirect to https",
    of: ON_OFF,
  }),
};

/** The same with the keys of further services. */
export function clusterWith(services: readonly Service[]): typeof CLUSTER {
  const further = services.slice(SERVICES.length);
  if (further.length === 0) return CLUSTER;
  return {
    ...CLUSTER,
    ownNodes: { ...CLUSTER.ownNodes, ...ofEach(further, ownNodesOption) },
    ownNames: ofEach(further, ownNamesOption),
    ports: { ...CLUSTER.ports, ...ofEach(further, portOption) },
    balance: { ...CLUSTER.balance, ...ofEach(further, policyOption) },
  };
}

function ofEach<T>(
  services: readonly Service[],
  optionOf: (service: Service) => Option<T>,
): Readonly<Record<ServiceName, Option<T>>> {
  return Object.fromEntries(services.map((service) => [service.name, optionOf(service)]));
}

function placeOf(key: string): { flag: string; item: string; yaml: string } {
  return { flag: "cluster", item: key, yaml: `clusters.NAME.${key}` };
}

function nodesOption(key: string, help: string): Option<readonly NodeSpec[]> {
  return { ...many({ ...placeOf(key), value: "NODE,...", help, of: NODES }), change: changeOfNodes };
}

/** A list without which the nodes are those of another key. */
function orElse(key: string, list: Option<readonly NodeSpec[]>): Option<readonly NodeSpec[] | null> {
  const fallbackShown = `from ${key}`;
  const show = (nodes: readonly NodeSpec[] | null): string => (nodes === null ? fallbackShown : list.show(nodes));
  const change = (before: readonly NodeSpec[] | null, after: readonly NodeSpec[] | null): string | null =>
    changeOfNodes(before, after, fallbackShown);
  return { ...list, fallback: { none: null }, fallbackShown, show, change };
}

function ownNodesOption({ name, role }: Service): Option<readonly NodeSpec[] | null> {
  return orElse(role, nodesOption(name, `Nodes of the ${name} pool, and no others`));
}

/** `+192.168.125.26 -192.168.125.20`. */
function changeOfNodes(
  before: readonly NodeSpec[] | null,
  after: readonly NodeSpec[] | null,
  elsewhere = "",
): string | null {
  const [old, fresh] = [new Set(before?.map(({ host }) => host)), new Set(after?.map(({ host }) => host))];
  const added = [...fresh].filter((host) => !old.has(host)).map((host) => `+${host}`);
  const removed = [...old].filter((host) => !fresh.has(host)).map((host) => `-${host}`);
  const own = after === null && before !== null ? [`(now ${elsewhere})`] : [];
  return [...added, ...removed, ...own].join(" ") || null;
}

function namesOption(key: string, help: string, of: Codec<string>): Option<readonly string[]> {
  return many({ ...placeOf(key), value: "NAME,...", help, of: listOf(of) });
}

function ownNamesOption({ name }: Service): Option<readonly string[]> {
  return namesOption(`${name}-names`, `Further names of ${name} alone: rke.lab, *.rke.lab, *`, PATTERNS);
}

function portOption({ name, port }: Service): Option<number> {
  const option = portKey(`${name}-port`, String(port), `Port of the ${name} pool's nodes`);
  // the kernel chose the listener's port: there is no default
  return port === 0 ? { ...option, fallback: { none: 0 }, fallbackShown: "the listener's" } : option;
}

function portKey(key: string, fallback: string, help: string): Option<number> {
  return one({ ...placeOf(key), value: "PORT", fallback, help, of: whole(1, PORT_MOST) });
}

function policyOption({ name, policy }: Service): Option<Policy> {
  const help = `How a node of the ${name} pool is picked`;
  return word({ ...placeOf(`balance-${name}`), of: POLICIES, fallback: policy, help });
}

/** A key whose default is the setting of the same name. */
function inherited(setting: Option<number>): Option<number | null> {
  const { flag, value, help } = setting;
  const of: Codec<number> = {
    read: (text) => readOf(setting, text),
    show: (number) => setting.show(number),
    ...(setting.form === null ? {} : { form: setting.form }),
  };
  return maybe({ ...placeOf(flag), value, help, fallbackShown: `--${flag}`, of });
}

function readOf(option: Option<number>, text: string): Reading<number> {
  let wrong: Reading<number> | undefined;
  const value = option.parse([{ text, where: "" }], (_, found) => (wrong = found));
  return wrong ?? fit(value ?? 0);
}

/** The options of a cluster, by the name of their key. */
export type ClusterKeys = ReadonlyMap<string, Option<unknown>>;

export function keysOf(group: typeof CLUSTER): ClusterKeys {
  return new Map(optionsOf(group).map((option) => [option.item ?? "", option]));
}

export const CLUSTER_KEYS: ClusterKeys = keysOf(CLUSTER);

/** As help and documents show the keys of further services. */
export const FURTHER_KEYS: readonly Option<unknown>[] = optionsOf(
  clusterWith([...SERVICES, furtherService(FURTHER_NAME, SERVICES.length, 0)]),
).filter(({ item }) => item?.includes(FURTHER_NAME));
