/** The cluster's part of the option table: keys of `--cluster NAME=ITEM[,ITEM...]` and of `clusters.NAME` in the file. */
import type { Policy } from "../seam/services.ts";
import { readCidr, readNodes } from "./addresses.ts";
import type { CheckMode } from "../core/health/ladder.ts";
import type { NodeSpec } from "./model.ts";
import { readDomain, readExactName, readNamePattern } from "./names.ts";
import { GLOBAL } from "./options.ts";
import { listOf, many, one, word, type Option } from "./option.ts";
import { fit, unfit, type Reading } from "./text.ts";
import { choice, CONNECTIONS_MOST, onOff, whole } from "./values.ts";

const PORT_MOST = 65_535;
const POLICIES = choice<Policy>("leastconn", "source", "host", "roundrobin");

export const CLUSTER = {
  nodes: nodesOption<readonly NodeSpec[]>("nodes", [], "Nodes of any role; items before the first key"),
  api: nodesOption<readonly NodeSpec[] | null>("api", null, "Nodes of the api pool, and no others"),
  ingress: nodesOption<readonly NodeSpec[] | null>("ingress", null, "Nodes of the https and http pools, and no others"),
  domain: clusterOption<string | null>(
    "domain",
    "DOMAIN",
    { none: null },
    "Serves api.DOMAIN and *.apps.DOMAIN",
    readDomain,
  ),
  names: namesOption("names", "NAME,...", "Further ingress names: shop.lab, *.shop.lab", readNamePattern),
  apiNames: namesOption("api-names", "NAME,...", "Further names of the API", readExactName),
  apiPort: portOption("api-port", "6443", "The API's port on the nodes"),
  httpsPort: portOption("https-port", "443", "The ingress's TLS port on the nodes"),
  httpPort: portOption("http-port", "80", "The ingress's HTTP port on the nodes"),
  mcsPort: portOption("mcs-port", "22623", "The machine-config server's port on the nodes"),
  readyPort: portOption("ready-port", "1936", "Where the ingress answers /healthz/ready"),
  balanceApi: policyOption("balance-api", "leastconn", "How a node of the api pool is picked"),
  balanceHttps: policyOption("balance-https", "source", "How a node of the https pool is picked"),
  balanceHttp: policyOption("balance-http", "host", "How a node of the http pool is picked"),
  check: word<CheckMode>({
    ...clusterPlace("check"),
    of: choice("auto", "readyz", "tls", "tcp", "off"),
    fallback: "auto",
    help: "How nodes are probed; auto takes the best that works",
  }),
  rise: inheritedOption("rise", "N", "Good probes in a row until a node is up", GLOBAL.rise),
  fall: inheritedOption("fall", "N", "Bad probes in a row until a node is out", GLOBAL.fall),
  intervalMs: inheritedOption("interval", "DURATION", "Time between two probes of a node", GLOBAL.intervalMs),
  allow: many({
    ...clusterPlace("allow"),
    value: "CIDR,...",
    fallback: { none: [] },
    fallbackShown: "everyone",
    help: "Clients that may reach this cluster",
    readItem: listOf(readCidr),
  }),
  maxConnections: clusterOption(
    "max-connections",
    "N",
    "off",
    "Client connections to this cluster at a time",
    readLimit,
  ),
  sendProxy: {
    ...clusterOption<0 | 1 | 2>(
      "send-proxy",
      "v1|v2|off",
      "off",
      "PROXY protocol to ingress nodes (never to the API)",
      readProxy,
    ),
  },
  allDown: word<"try" | "refuse">({
    ...clusterPlace("all-down"),
    of: choice("try", "refuse"),
    fallback: "try",
    help: "When no node is ready: try those that answer, or refuse",
  }),
  redirectHttps: clusterOption("redirect-https", "on|off", "off", "Answer plain HTTP with a redirect to https", onOff),
};

function clusterPlace(key: string): { flag: string; item: string; yaml: string } {
  return { flag: "cluster", item: key, yaml: `clusters.NAME.${key}` };
}

function clusterOption<T>(
  key: string,
  value: string,
  fallback: Option<T>["fallback"],
  help: string,
  read: (text: string) => Reading<T>,
): Option<T> {
  return one({ ...clusterPlace(key), value, fallback, help, read });
}

function nodesOption<T extends readonly NodeSpec[] | null>(
  key: string,
  none: T,
  help: string,
): Option<T | readonly NodeSpec[]> {
  const option = many({ ...clusterPlace(key), value: "NODE,...", fallback: { none: [] }, help, readItem: readNodes });
  return { ...option, fallback: { none }, fallbackShown: none === null ? "from nodes" : "" };
}

function namesOption(
  key: string,
  value: string,
  help: string,
  read: (text: string) => Reading<string>,
): Option<readonly string[]> {
  return many({ ...clusterPlace(key), value, fallback: { none: [] }, help, readItem: listOf(read) });
}

function portOption(key: string, fallback: string, help: string): Option<number> {
  return clusterOption(key, "PORT", fallback, help, whole(1, PORT_MOST));
}

function policyOption(key: string, fallback: Policy, help: string): Option<Policy> {
  return word<Policy>({ ...clusterPlace(key), of: POLICIES, fallback, help });
}

/** A key whose default is a global option. */
function inheritedOption(key: string, value: string, help: string, global: Option<number>): Option<number | null> {
  return {
    ...one<number | null>({
      ...clusterPlace(key),
      value,
      fallback: { none: null },
      help,
      read: (text) => readOf(global, text),
    }),
    fallbackShown: `--${global.flag}`,
  };
}

function readOf(option: Option<number>, text: string): Reading<number> {
  let wrong: Reading<number> | undefined;
  const value = option.parse([{ text, where: "" }], (_, found) => (wrong = found));
  return wrong ?? fit(value ?? 0);
}

function readLimit(text: string): Reading<number> {
  return whole(1, CONNECTIONS_MOST, { off: 0 })(text);
}

function readProxy(text: string): Reading<0 | 1 | 2> {
  if (text === "off") return fit(0);
  if (text === "v1") return fit(1);
  return text === "v2" ? fit(2) : unfit("v1, v2 or off");
}

/** The options of a cluster, by the name of their key. */
export const CLUSTER_KEYS: ReadonlyMap<string, Option<unknown>> = new Map(
  Object.values(CLUSTER).map((option) => [option.item ?? "", option]),
);
