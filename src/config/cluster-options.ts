/** The cluster's part of the option table: keys of `--cluster NAME=ITEM[,ITEM...]` and of `clusters.NAME` in the file. */
import type { Policy } from "../seam/snapshot.ts";
import { readCidr, readNodes } from "./addresses.ts";
import type { CheckMode, NodeSpec } from "./model.ts";
import { readDomain, readExactName, readNamePattern } from "./names.ts";
import { GLOBAL } from "./options.ts";
import { listOf, many, one, word, type Row } from "./option.ts";
import { fit, unfit, type Reading } from "./text.ts";
import { choice, CONNECTIONS_MOST, onOff, whole } from "./values.ts";

const PORT_MOST = 65_535;
const POLICIES = choice<Policy>("leastconn", "source", "host", "roundrobin");

export const CLUSTER = {
  nodes: nodesRow<readonly NodeSpec[]>("nodes", [], "Nodes of any role; items before the first key"),
  api: nodesRow<readonly NodeSpec[] | null>("api", null, "Nodes of the api pool, and no others"),
  ingress: nodesRow<readonly NodeSpec[] | null>("ingress", null, "Nodes of the https and http pools, and no others"),
  domain: clusterRow<string | null>(
    "domain",
    "DOMAIN",
    { none: null },
    "Serves api.DOMAIN and *.apps.DOMAIN",
    readDomain,
  ),
  names: namesRow("names", "NAME,...", "Further ingress names: shop.lab, *.shop.lab", readNamePattern),
  apiNames: namesRow("api-names", "NAME,...", "Further names of the API", readExactName),
  apiPort: portRow("api-port", "6443", "The API's port on the nodes"),
  httpsPort: portRow("https-port", "443", "The ingress's TLS port on the nodes"),
  httpPort: portRow("http-port", "80", "The ingress's HTTP port on the nodes"),
  mcsPort: portRow("mcs-port", "22623", "The machine-config server's port on the nodes"),
  readyPort: portRow("ready-port", "1936", "Where the ingress answers /healthz/ready"),
  balanceApi: policyRow("balance-api", "leastconn", "How a node of the api pool is picked"),
  balanceHttps: policyRow("balance-https", "source", "How a node of the https pool is picked"),
  balanceHttp: policyRow("balance-http", "host", "How a node of the http pool is picked"),
  check: word<CheckMode>({
    ...clusterPlace("check"),
    of: choice("auto", "readyz", "tls", "tcp", "off"),
    fallback: "auto",
    help: "How nodes are probed; auto takes the best that works",
  }),
  rise: inheritedRow("rise", "N", "Good probes in a row until a node is up", GLOBAL.rise),
  fall: inheritedRow("fall", "N", "Bad probes in a row until a node is out", GLOBAL.fall),
  intervalMs: inheritedRow("interval", "DURATION", "Time between two probes of a node", GLOBAL.intervalMs),
  allow: many({
    ...clusterPlace("allow"),
    value: "CIDR,...",
    fallback: { none: [] },
    fallbackShown: "everyone",
    help: "Clients that may reach this cluster",
    readItem: listOf(readCidr),
  }),
  maxConnections: clusterRow("max-connections", "N", "off", "Client connections to this cluster at a time", readLimit),
  sendProxy: {
    ...clusterRow<0 | 1 | 2>(
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
  redirectHttps: clusterRow("redirect-https", "on|off", "off", "Answer plain HTTP with a redirect to https", onOff),
};

function clusterPlace(key: string): { flag: string; item: string; yaml: string } {
  return { flag: "cluster", item: key, yaml: `clusters.NAME.${key}` };
}

function clusterRow<T>(
  key: string,
  value: string,
  fallback: Row<T>["fallback"],
  help: string,
  read: (text: string) => Reading<T>,
): Row<T> {
  return one({ ...clusterPlace(key), value, fallback, help, read });
}

function nodesRow<T extends readonly NodeSpec[] | null>(
  key: string,
  none: T,
  help: string,
): Row<T | readonly NodeSpec[]> {
  const row = many({ ...clusterPlace(key), value: "NODE,...", fallback: { none: [] }, help, readItem: readNodes });
  return { ...row, fallback: { none }, fallbackShown: none === null ? "from nodes" : "" };
}

function namesRow(
  key: string,
  value: string,
  help: string,
  read: (text: string) => Reading<string>,
): Row<readonly string[]> {
  return many({ ...clusterPlace(key), value, fallback: { none: [] }, help, readItem: listOf(read) });
}

function portRow(key: string, fallback: string, help: string): Row<number> {
  return clusterRow(key, "PORT", fallback, help, whole(1, PORT_MOST));
}

function policyRow(key: string, fallback: Policy, help: string): Row<Policy> {
  return word<Policy>({ ...clusterPlace(key), of: POLICIES, fallback, help });
}

/** A key whose default is a global row. */
function inheritedRow(key: string, value: string, help: string, global: Row<number>): Row<number | null> {
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

function readOf(row: Row<number>, text: string): Reading<number> {
  let wrong: Reading<number> | undefined;
  const value = row.parse([{ text, where: "" }], (_, found) => (wrong = found));
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

/** The rows of a cluster, by the name of their key. */
export const CLUSTER_KEYS: ReadonlyMap<string, Row<unknown>> = new Map(
  Object.values(CLUSTER).map((row) => [row.item ?? "", row]),
);
