/**
 * firewalld: which zones let clients and nodes in. libvirt's own zone accepts everything and then rejects it with its last rule, so
 * that VMs reach neither api-int nor their own routes, while everything looks right from outside.
 */
import { readCidr } from "../config/values/addresses.ts";
import { listenOf, nodesFor } from "../config/clusters/service-settings.ts";
import type { Config } from "../config/model.ts";
import { inAny } from "../core/access.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

interface Zone {
  readonly name: string;
  readonly interfaces: readonly string[];
  readonly services: ReadonlySet<string>;
  /** First and last of each range of TCP ports. */
  readonly ports: readonly (readonly [number, number])[];
  /** Its target lets everything in, and no rule takes that back. */
  readonly open: boolean;
}

/** Services that firewalld knows by name. */
const SERVICES: Readonly<Record<number, readonly string[]>> = {
  80: ["http"],
  443: ["https"],
  6443: ["kube-apiserver", "kube-api"],
};

export async function checkFirewall(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const state = await environment.run("firewall-cmd", ["--state"]);
  if (state === null || state.out.trim() !== "running") return [];
  const all = await environment.run("firewall-cmd", ["--list-all-zones"]);
  if (all === null || all.code !== 0) {
    return [warn("firewalld: this user may not ask it", `sudo edge-lb check --live ${environment.typed}`.trimEnd())];
  }
  const ports = [...new Set(config.services.flatMap((service) => listenOf(config, service).map(({ port }) => port)))];
  const findings = readZones(all.out).flatMap((zone) => zoneFinding(zone, ports, config, environment));
  return findings.length > 0 ? findings : [ok("firewalld: every zone in use lets the ports in")];
}

function zoneFinding(zone: Zone, ports: readonly number[], config: Config, environment: LiveEnvironment): Finding[] {
  const real = zone.interfaces.filter((name) => name !== "lo");
  const closed = ports.filter((port) => !lets(zone, port));
  if (real.length === 0 || closed.length === 0) return [];
  const nodes = hasNodes(real, config, environment);
  const who = nodes ? "nodes of your clusters cannot reach" : "clients there cannot reach";
  const text = `firewalld: zone ${zone.name} (${real.join(", ")}): ${who} ${closed.join(", ")}`;
  const adds = closed.map((port) => `--add-port=${port}/tcp`).join(" ");
  const remedy = [`sudo firewall-cmd --permanent --zone=${zone.name} ${adds}`, "sudo firewall-cmd --reload"];
  return [nodes ? fail(text, ...remedy) : warn(text, ...remedy)];
}

function lets({ open, services, ports }: Zone, port: number): boolean {
  if (open || ports.some(([first, last]) => port >= first && port <= last)) return true;
  return (SERVICES[port] ?? []).some((service) => services.has(service));
}

/** Is a node in the network of one of these interfaces? */
function hasNodes(interfaces: readonly string[], config: Config, { addresses }: LiveEnvironment): boolean {
  const networks = addresses.flatMap(({ interface: name, cidr }) => {
    const network = cidr === null || !interfaces.includes(name) ? null : readCidr(cidr);
    return network?.ok === true ? [network.value] : [];
  });
  return config.clusters.some((cluster) =>
    config.services.some((service) =>
      nodesFor(cluster, service).some(({ host, isName }) => !isName && inAny(networks, host)),
    ),
  );
}

/** Reads `firewall-cmd --list-all-zones`: a zone's name at the line's start, its settings indented as `key: values`. */
export function readZones(text: string): readonly Zone[] {
  return text
    .split(/\n(?=\S)/)
    .map(readZone)
    .filter((zone) => zone !== null);
}

function readZone(block: string): Zone | null {
  const [head = "", ...lines] = block.split("\n");
  const name = head.split(" ")[0] ?? "";
  if (name === "") return null;
  const settings = new Map(lines.map((line) => /^ {2}([\w-]+):\s*(.*)$/.exec(line)).map((m) => [m?.[1], m?.[2] ?? ""]));
  const words = (key: string): readonly string[] =>
    (settings.get(key) ?? "").split(/\s+/).filter((word) => word !== "");
  const takenBack = lines.some((line) => /^\s+rule\b.*\b(reject|drop)\b/.test(line) && !/\b(address|port)=/.test(line));
  return {
    name,
    interfaces: words("interfaces"),
    services: new Set(words("services")),
    ports: words("ports").flatMap(readPorts),
    open: settings.get("target") === "ACCEPT" && !takenBack,
  };
}

function readPorts(word: string): readonly (readonly [number, number])[] {
  const [, first, last] = /^(\d+)(?:-(\d+))?\/tcp$/.exec(word) ?? [];
  return first === undefined ? [] : [[Number(first), Number(last ?? first)]];
}
