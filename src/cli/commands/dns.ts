/** `edge-lb dns`: the records the clusters need, for the four places a lab keeps them. */
import { requireClusters } from "../../config/load.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import { canonicalIp } from "../../core/address.ts";
import { EdgeError } from "../../errors.ts";
import { fit, oneOf, unfit, type Reading } from "../../config/values/text.ts";
import { choice } from "../../config/values/values.ts";
import { ALL_SETTINGS, command } from "../line/command.ts";
import { oneWord, single } from "../line/command-option.ts";
import { choiceText, ownAddresses, ownNetwork } from "./dns-address.ts";
import { FORWARD_FORMATS, forwardText, readForward, type ForwardFormat } from "./dns-forward.ts";
import { configOf } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { claimsOf, nameSetsOf, type NameSets } from "../../config/clusters/claims.ts";

/** What one name needs: itself, or everything below it. */
interface DnsRecord {
  readonly cluster: string;
  readonly name: string;
  readonly below: boolean;
}

type Writer = (records: readonly DnsRecord[], ip: string) => readonly string[];

/** Names that OpenShift's own routes have: what a hosts file, which knows no wildcard, needs to reach the console. */
const WELL_KNOWN_ROUTES = ["console-openshift-console", "oauth-openshift", "downloads-openshift-console"];
const TTL_SECONDS = 300;

const DNS_FORMATS = { hosts, dnsmasq, bind, libvirt } as const satisfies Record<string, Writer>;
type DnsFormat = keyof typeof DNS_FORMATS;

export interface DnsOptions {
  /** What the names resolve to; null: the listener's own address, else this machine's first. */
  readonly address: string | null;
  /** Null: all of them. */
  readonly format: DnsFormat | null;
}

const FORMAT = choice("hosts", "dnsmasq", "bind", "libvirt");
const ANY_FORMAT = choice("hosts", "dnsmasq", "bind", "libvirt", "resolved");

export const DNS = command({
  name: "dns",
  help: "Print the DNS records the clusters need",
  settings: ALL_SETTINGS,
  options: {
    for: single("ADDRESS", "What the names resolve to (the listener's address)", readIp),
    format: oneWord(ANY_FORMAT, "One of them (all)"),
    forward: single(
      "ADDR[#PORT]",
      "Lines that send queries to that name server, which is edge-lb's --dns",
      readForward,
    ),
  },
  run(call) {
    const { for: address, format, forward } = call.options;
    const config = configOf(call);
    call.io.out(
      forward === null
        ? dnsText(config, { address, format: recordFormat(format) })
        : forwardText(config, forward, forwardFormat(format)),
    );
    return EXIT.done;
  },
});

function readIp(text: string): Reading<string> {
  const ip = canonicalIp(text);
  return ip === null ? unfit("an IPv4 or IPv6 address") : fit(ip);
}

/** systemd-resolved holds no records. */
function recordFormat(format: string | null): DnsFormat | null {
  if (format !== "resolved") return format as DnsFormat | null;
  throw new EdgeError("USAGE", "Cannot write records for resolved: it only forwards", {
    hint: "add --forward ADDR#PORT",
  });
}

function forwardFormat(format: string | null): ForwardFormat | null {
  if (format === null || FORWARD_FORMATS.includes(format as ForwardFormat)) return format as ForwardFormat | null;
  throw new EdgeError("USAGE", `Cannot forward from ${format}: ${oneOf(FORWARD_FORMATS)} wanted`);
}

/** @throws EdgeErrors when there is no cluster */
export function dnsText(config: Config, { address, format }: DnsOptions, network = ownNetwork()): string {
  const clusters = requireClusters(config);
  const candidates = address === null ? ownAddresses(config, network) : [];
  const ip = address ?? candidates[0]?.ip ?? "127.0.0.1";
  const chosen = choiceText(candidates);
  const sets = nameSetsOf(config.services);
  const records = clusters.flatMap((cluster) => recordsOf(cluster, sets));
  const named = new Set(records.map(({ cluster }) => cluster));
  const missing = clusters
    .filter(({ name }) => !named.has(name))
    .map((cluster) => `${cluster.name}: its domain is not known; give it with domain=`);
  const notes = [...missing, ...(chosen === null ? [] : [chosen])];
  const linesOf = (name: DnsFormat): readonly string[] => [
    ...notes.map((note) => `${name === "bind" ? ";" : "#"} ${note}`),
    ...DNS_FORMATS[name](records, ip),
  ];
  if (format !== null) return `${linesOf(format).join("\n")}\n`;
  return FORMAT.words.map((name) => `${[`# ${name}: ${TITLES[name]}`, ...linesOf(name)].join("\n")}\n\n`).join("");
}

const TITLES: Readonly<Record<DnsFormat, string>> = {
  hosts: "append to /etc/hosts of a client; it knows no wildcard, so each route needs its name",
  dnsmasq: "a file in /etc/dnsmasq.d (NetworkManager: /etc/NetworkManager/dnsmasq.d)",
  bind: "lines for the zone's file, names in full",
  libvirt: "for the VMs of a libvirt network; set NETWORK",
};

/** Names that a server can answer for: whole ones, and all below one. */
function recordsOf(cluster: ClusterConfig, sets: NameSets): readonly DnsRecord[] {
  const known = claimsOf(cluster, sets).filter(({ rule }) => rule === "exact" || rule === "below");
  const records = known.map(({ name, rule }): DnsRecord => ({ cluster: cluster.name, name, below: rule === "below" }));
  return [...new Map(records.map((record) => [`${record.below} ${record.name}`, record])).values()];
}

function hosts(records: readonly DnsRecord[], ip: string): readonly string[] {
  return byCluster(records).map((own) => {
    const names = own.flatMap(({ name, below }) =>
      below ? WELL_KNOWN_ROUTES.map((route) => `${route}.${name}`) : [name],
    );
    return `${ip} ${names.join(" ")}`;
  });
}

function byCluster(records: readonly DnsRecord[]): readonly (readonly DnsRecord[])[] {
  return [...new Set(records.map(({ cluster }) => cluster))].map((cluster) =>
    records.filter((record) => record.cluster === cluster),
  );
}

/** `address=/D/` answers for everything below D, `host-record` for the name alone and its reverse. */
function dnsmasq(records: readonly DnsRecord[], ip: string): readonly string[] {
  return records.map(({ name, below }) => (below ? `address=/${name}/${ip}` : `host-record=${name},${ip}`));
}

function bind(records: readonly DnsRecord[], ip: string): readonly string[] {
  const type = ip.includes(":") ? "AAAA" : "A";
  return records.map(({ name, below }) => `${below ? `*.${name}` : name}. ${TTL_SECONDS} IN ${type} ${ip}`);
}

/** libvirt has one entry for each address, and wildcards only as options of its dnsmasq. */
function libvirt(records: readonly DnsRecord[], ip: string): readonly string[] {
  const names = records.filter(({ below }) => !below).map(({ name }) => `<hostname>${name}</hostname>`);
  const wildcards = records
    .filter(({ below }) => below)
    .map(({ name }) => `    <dnsmasq:option value='address=/${name}/${ip}'/>`);
  return [
    `virsh net-update NETWORK add dns-host "<host ip='${ip}'>${names.join("")}</host>" --live --config`,
    "# virsh net-edit NETWORK: <network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>, before </network>:",
    "  <dnsmasq:options>",
    ...wildcards,
    "  </dnsmasq:options>",
    "# then virsh net-destroy NETWORK && virsh net-start NETWORK (VMs lose the net meanwhile)",
  ];
}
