/** `edge-lb dns --forward`: lines that send queries for the clusters' names to edge-lb's own name server. */
import { claimsOf, nameSetsOf } from "../../config/clusters/claims.ts";
import { requireClusters } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { fit, unfit, type Reading } from "../../config/values/text.ts";
import { canonicalIp, formatEndpoint } from "../../core/address.ts";
import { Zones } from "../../dns/zones.ts";

/** A name server to ask. */
export interface Forward {
  readonly ip: string;
  readonly port: number;
}

const DNS_PORT = 53;

export const FORWARD_FORMATS = ["dnsmasq", "libvirt", "resolved"] as const;
export type ForwardFormat = (typeof FORWARD_FORMATS)[number];

type Writer = (zones: readonly string[], to: Forward) => readonly string[];

const FORWARDS: Readonly<Record<ForwardFormat, Writer>> = {
  dnsmasq: forwardDnsmasq,
  libvirt: forwardLibvirt,
  resolved: forwardResolved,
};

/** `192.168.125.1`, or `192.168.125.1#5353` as dnsmasq writes it. */
export function readForward(text: string): Reading<Forward> {
  const [, host = "", digits] = /^\[?([^\]#]+)\]?(?:#(\d{1,5}))?$/.exec(text) ?? [];
  const ip = canonicalIp(host);
  const port = digits === undefined ? DNS_PORT : Number(digits);
  if (ip === null || port < 1 || port > 65_535) return unfit("ADDRESS or ADDRESS#PORT");
  return fit({ ip, port });
}

/** @throws EdgeErrors when there is no cluster */
export function forwardText(config: Config, to: Forward, format: ForwardFormat | null): string {
  const clusters = requireClusters(config);
  const zones = zonesOf(config);
  const missing = clusters
    .filter(({ domain }) => domain === null)
    .map(({ name }) => `# ${name}: its domain is not known; give it with domain=`);
  const linesOf = (name: ForwardFormat): readonly string[] => [...missing, ...FORWARDS[name]([...zones.names], to)];
  if (format !== null) return `${linesOf(format).join("\n")}\n`;
  return FORWARD_FORMATS.map(
    (name) => `${[`# ${name}: ${FORWARD_TITLES[name]}`, ...linesOf(name)].join("\n")}\n\n`,
  ).join("");
}

const FORWARD_TITLES: Readonly<Record<ForwardFormat, string>> = {
  dnsmasq: "a file in /etc/dnsmasq.d (NetworkManager: /etc/NetworkManager/dnsmasq.d)",
  libvirt: "virsh net-edit NETWORK, in <network>; then virsh net-destroy and net-start",
  resolved: "a file in /etc/systemd/resolved.conf.d; then systemctl restart systemd-resolved",
};

function zonesOf(config: Config): Zones {
  const sets = nameSetsOf(config.services);
  const claims = config.clusters.flatMap((cluster) => claimsOf(cluster, sets));
  return new Zones({
    exact: claims.filter(({ rule }) => rule === "exact"),
    below: claims.filter(({ rule }) => rule === "below"),
  });
}

function forwardDnsmasq(zones: readonly string[], { ip, port }: Forward): readonly string[] {
  return zones.map((zone) => `server=/${zone}/${ip}${port === DNS_PORT ? "" : `#${port}`}`);
}

/** libvirt's forwarders have no port; another one goes through its dnsmasq's own options. */
function forwardLibvirt(zones: readonly string[], { ip, port }: Forward): readonly string[] {
  if (port === DNS_PORT) {
    const lines = zones.map((zone) => `  <forwarder domain='${zone}' addr='${ip}'/>`);
    return ["<dns>", ...lines, "</dns>"];
  }
  const lines = forwardDnsmasq(zones, { ip, port }).map((line) => `  <dnsmasq:option value='${line}'/>`);
  const head = "<!-- <network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>, before </network> -->";
  return [head, "<dnsmasq:options>", ...lines, "</dnsmasq:options>"];
}

function forwardResolved(zones: readonly string[], { ip, port }: Forward): readonly string[] {
  return ["[Resolve]", `DNS=${formatEndpoint(ip, port)}`, `Domains=${zones.map((zone) => `~${zone}`).join(" ")}`];
}
