/** Where clusters are looked for, as operators write it: `net:192.168.125.0/24,api-port=7443`, `libvirt`, `proxmox:https://…`. */
import { networkAddresses, readCidr, cidrText, isPrivate } from "./addresses.ts";
import type { Parse, Codec } from "./codec.ts";
import { fit, oneOf, quote, unfit, type Reading } from "./text.ts";

/** A source as written. */
export interface DiscoverSource {
  readonly kind: SourceKind;
  /** The network, the connection URI, the address of the API or the file; "" where the kind has a usual one. */
  readonly place: string;
  /** Keys of the clusters that are found there, as in `--cluster`. */
  readonly ports: Readonly<Partial<Record<PortKey, number>>>;
  /** SHA-256 of the certificate that the API of a hypervisor shows, in hex; null: the system's authorities decide. */
  readonly fingerprint: string | null;
}

export const SOURCE_KINDS = ["net", "libvirt", "proxmox", "kubeconfig"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];
export const PORT_KEYS = ["api-port", "https-port", "http-port", "ready-port"] as const;
export type PortKey = (typeof PORT_KEYS)[number];

/** A sweep of more addresses would take longer than the time between two of them. */
export const SWEEP_MOST = 4_096;
const PORT_MOST = 65_535;
const WANTED = "net:CIDR, libvirt[:URI], proxmox:https://HOST:8006 or kubeconfig:FILE";

/** The texts of sources that were written one after the other, with commas: an item `key=value` belongs to the source before it. */
export function splitSources(text: string): readonly string[] {
  const sources: string[] = [];
  for (const item of text.split(",").map((each) => each.trim())) {
    const before = sources.at(-1);
    if (before === undefined || !/^[a-z-]+=/.test(item)) sources.push(item);
    else sources[sources.length - 1] = `${before},${item}`;
  }
  return sources;
}

export function readSource(text: string): Reading<DiscoverSource> {
  const [first = "", ...items] = text.split(",");
  const [, kind = "", place = ""] = /^([a-z]+)(?::(.*))?$/s.exec(first) ?? [];
  if (!isKind(kind)) return unfit(WANTED);
  const where = PLACES[kind](place);
  if (!where.ok) return where;
  const ports: Partial<Record<PortKey, number>> = {};
  let fingerprint: string | null = null;
  for (const item of items) {
    const [key = "", value = ""] = item.split(/=(.*)/s);
    const read = key === "fingerprint" && kind === "proxmox" ? readFingerprint(value) : readPort(key, kind, value);
    if (!read.ok) return read;
    if (typeof read.value === "string") fingerprint = read.value;
    else ports[key as PortKey] = read.value;
  }
  return fit({ kind, place: where.value, ports, fingerprint });
}

export function sourceText({ kind, place, ports, fingerprint }: DiscoverSource): string {
  const keys = Object.entries(ports).map(([key, port]) => `${key}=${port}`);
  const known = fingerprint === null ? [] : [`fingerprint=${fingerprint}`];
  return [place === "" ? kind : `${kind}:${place}`, ...keys, ...known].join(",");
}

export const SOURCE: Codec<DiscoverSource> = {
  read: readSource,
  show: sourceText,
  form: { pattern: "(net|libvirt|proxmox|kubeconfig)(:[^]*|,[^]*)?" },
};

/** Commas both separate sources and go before their keys. */
export const parseSources: Parse<readonly DiscoverSource[]> = (texts, report) =>
  texts.flatMap((at) =>
    splitSources(at.text).flatMap((text) => {
      const read = readSource(text);
      if (read.ok) return [read.value];
      report({ ...at, text }, read);
      return [];
    }),
  );

function isKind(word: string): word is SourceKind {
  return SOURCE_KINDS.some((kind) => kind === word);
}

/** What may stand behind the colon. */
const PLACES: Readonly<Record<SourceKind, (place: string) => Reading<string>>> = {
  net: readNetwork,
  libvirt: (uri) => (/^[^\s-][^\s,]*$|^$/.test(uri) ? fit(uri) : unfit("a connection URI such as qemu:///system")),
  proxmox: readUrl,
  kubeconfig: (file) => (file === "" ? unfit("a file: kubeconfig:FILE") : fit(file)),
};

function readNetwork(text: string): Reading<string> {
  const cidr = readCidr(text);
  if (!cidr.ok) return unfit("a network such as net:192.168.125.0/24");
  const shown = cidrText(cidr.value);
  const [lowest = ""] = networkAddresses(cidr.value, 1);
  if (!isPrivate(lowest)) {
    return unfit("a private, link-local or loopback one", { found: `network ${shown}` });
  }
  const count = 2n ** BigInt(cidr.value.bytes.length * 8 - cidr.value.bits);
  if (count > SWEEP_MOST) return unfit(`at most ${SWEEP_MOST}`, { found: `a network of ${count} addresses` });
  return fit(shown);
}

function readUrl(text: string): Reading<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  const good = url?.protocol === "https:" && url.username === "" && url.password === "" && url.search === "";
  return good ? fit(url.origin) : unfit("an address such as proxmox:https://pve.lab:8006");
}

function readFingerprint(text: string): Reading<string> {
  const hex = text
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  return /^[0-9a-f]{64}$/.test(hex) ? fit(hex) : unfit("the SHA-256 fingerprint of a certificate, 64 hex digits");
}

function readPort(key: string, kind: SourceKind, value: string): Reading<number> {
  const keys = [...PORT_KEYS, ...(kind === "proxmox" ? ["fingerprint"] : [])];
  if (!PORT_KEYS.some((known) => known === key)) return unfit(`${oneOf(keys)} of ${kind}`, { found: quote(key) });
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  return port >= 1 && port <= PORT_MOST ? fit(port) : unfit(`${key} from 1 to ${PORT_MOST}`);
}
