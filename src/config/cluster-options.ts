/** The cluster's part of the option table: keys of `--cluster NAME=ITEM[,ITEM...]` and of `clusters.NAME` in the file. */
import type { CheckMode } from "../core/health/ladder.ts";
import type { Policy } from "../seam/services.ts";
import { CIDR, NODES, type NodeSpec } from "./addresses.ts";
import { readDomain, readExactName, readNamePattern } from "./names.ts";
import { optionsOf } from "./option-group.ts";
import { listOf, many, maybe, one, word, type Option } from "./option.ts";
import { BASE } from "./options.ts";
import { NAME_PATTERN, WILDCARD_PATTERN } from "./patterns.ts";
import { fit, unfit, type Reading } from "./text.ts";
import { choice, CONNECTIONS_MOST, ON_OFF, plain, whole, type Codec } from "./values.ts";

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

/** By their keys in a cluster's configuration. */
export const CLUSTER = {
  nodes: nodesOption("nodes", "Nodes of any role; items before the first key"),
  /** Null: taken from `nodes`. */
  api: orFromNodes(nodesOption("api", "Nodes of the api pool, and no others")),
  ingress: orFromNodes(nodesOption("ingress", "Nodes of the https and http pools, and no others")),
  /** D of `api.D` and `*.apps.D`; null: not known (yet), the label rule serves the cluster. */
  domain: maybe({
    ...placeOf("domain"),
    value: "DOMAIN",
    absent: "unknown",
    help: "Serves api.DOMAIN and *.apps.DOMAIN",
    of: plain(readDomain, NAME_PATTERN),
  }),
  /** `shop.lab` or `*.shop.lab`, lower case. */
  names: namesOption("names", "Further ingress names: shop.lab, *.shop.lab", plain(readNamePattern, WILDCARD_PATTERN)),
  apiNames: namesOption("api-names", "Further names of the API", plain(readExactName, NAME_PATTERN)),
  ports: {
    api: portOption("api-port", "6443", "The API's port on the nodes"),
    https: portOption("https-port", "443", "The ingress's TLS port on the nodes"),
    http: portOption("http-port", "80", "The ingress's HTTP port on the nodes"),
    mcs: portOption("mcs-port", "22623", "The machine-config server's port on the nodes"),
    ready: portOption("ready-port", "1936", "Where the ingress answers /healthz/ready"),
  },
  balance: {
    api: policyOption("balance-api", "leastconn", "How a node of the api pool is picked"),
    https: policyOption("balance-https", "source", "How a node of the https pool is picked"),
    http: policyOption("balance-http", "host", "How a node of the http pool is picked"),
  },
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
  allDown: word({
    ...placeOf("all-down"),
    of: choice("try", "refuse"),
    fallback: "try",
    help: "When no node is ready: try those that answer, or refuse",
  }),
  redirectHttps: one({
    ...placeOf("redirect-https"),
    value: "on|off",
    fallback: "off",
    help: "Answer plain HTTP with a redirect to https",
    of: ON_OFF,
  }),
};

function placeOf(key: string): { flag: string; item: string; yaml: string } {
  return { flag: "cluster", item: key, yaml: `clusters.NAME.${key}` };
}

function nodesOption(key: string, help: string): Option<readonly NodeSpec[]> {
  return { ...many({ ...placeOf(key), value: "NODE,...", help, of: NODES }), change: changeOfNodes };
}

/** A pool's own list, without which its nodes are those of `nodes`. */
function orFromNodes(list: Option<readonly NodeSpec[]>): Option<readonly NodeSpec[] | null> {
  const fallbackShown = "from nodes";
  const show = (nodes: readonly NodeSpec[] | null): string => (nodes === null ? fallbackShown : list.show(nodes));
  return { ...list, fallback: { none: null }, fallbackShown, show, change: changeOfNodes };
}

/** `+192.168.125.26 -192.168.125.20`. */
function changeOfNodes(before: readonly NodeSpec[] | null, after: readonly NodeSpec[] | null): string | null {
  const [old, fresh] = [new Set(before?.map(({ host }) => host)), new Set(after?.map(({ host }) => host))];
  const added = [...fresh].filter((host) => !old.has(host)).map((host) => `+${host}`);
  const removed = [...old].filter((host) => !fresh.has(host)).map((host) => `-${host}`);
  const own = after === null && before !== null ? ["(now from nodes)"] : [];
  return [...added, ...removed, ...own].join(" ") || null;
}

function namesOption(key: string, help: string, of: Codec<string>): Option<readonly string[]> {
  return many({ ...placeOf(key), value: "NAME,...", help, of: listOf(of) });
}

function portOption(key: string, fallback: string, help: string): Option<number> {
  return one({ ...placeOf(key), value: "PORT", fallback, help, of: whole(1, PORT_MOST) });
}

function policyOption(key: string, fallback: Policy, help: string): Option<Policy> {
  return word({ ...placeOf(key), of: POLICIES, fallback, help });
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
export const CLUSTER_KEYS: ReadonlyMap<string, Option<unknown>> = new Map(
  optionsOf(CLUSTER).map((option) => [option.item ?? "", option]),
);
