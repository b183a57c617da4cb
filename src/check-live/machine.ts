/** Rights, limits, SELinux and ports of this machine. */
import { listenersOf, type OwnListener } from "../config/clusters/own-listeners.ts";
import { adminYieldsTo } from "../config/own-sockets.ts";
import { listenText } from "../config/values/addresses.ts";
import type { Config } from "../config/model.ts";
import { maxConnections } from "../control/machine/limits.ts";
import { stopLine, type Holder, type Transport } from "../control/machine/port-holder.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";
import { checkSourcePorts } from "./source-ports.ts";

interface Wanted extends OwnListener {
  readonly over: Transport;
}

/** Every address that edge-lb would listen on. */
function wantedOf(config: Config): readonly Wanted[] {
  // that the usual admin address gives way is a warning of the configuration itself
  const listeners = listenersOf(adminYieldsTo(config) === null ? config : { ...config, admin: null });
  return listeners.map((each) => ({ ...each, over: "tcp" }));
}

export async function checkMachine(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  return [
    ...rights(config, environment),
    openFiles(config, environment),
    ...checkSourcePorts(environment.sourcePorts),
    ...(await engine(config, environment)),
    ...(await selinux(config, environment)),
  ];
}

async function engine(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const { engine: name, ring, note } = (await environment.engine?.(config).catch(unavailable)) ?? NO_ENGINE;
  if (name === null) return note === null ? [] : [fail(note)];
  if (note !== null) return [warn(`${note}; ${name} would be used`)];
  const sends = ring === null ? "" : ring.on ? ", with io_uring" : `, without io_uring: ${ring.why}`;
  return [ok(`engine: ${name}${sends}`)];
}

const NO_ENGINE = { engine: null, ring: null, note: null };

function unavailable(error: unknown): { engine: null; ring: null; note: string } {
  return { engine: null, ring: null, note: error instanceof Error ? error.message : String(error) };
}

const SETCAP = 'sudo setcap cap_net_bind_service=+ep "$(command -v edge-lb)"';

function rights(config: Config, { mayBindLow, firstFreePort, running }: LiveEnvironment): readonly Finding[] {
  const low = wantedOf(config).filter(({ at }) => at.port > 0 && at.port < firstFreePort);
  if (low.length === 0) return [];
  const ports = [...new Set(low.map(({ at }) => at.port))].join(", ");
  if (mayBindLow) return [ok(`rights: may listen below port ${firstFreePort}`)];
  if (running !== null) return [ok(`rights: not this user's, but edge-lb runs already (pid ${running})`)];
  return [fail(`rights: this user may not listen on ${ports}`, SETCAP, "or run it with sudo")];
}

/** Enough for a lab; below this, consoles with many watches run out. */
const FEW_DESCRIPTORS = 8_192;

function openFiles({ maxConnections: wanted }: Config, { descriptors }: LiveEnvironment): Finding {
  const room = maxConnections(descriptors);
  const text = `open files: ${descriptors}, room for ${room} connections`;
  const remedy = ["ulimit -n 65536", "as a systemd service: LimitNOFILE=65536 in its unit"];
  if (wanted > room) return warn(`${text}, and max-connections is ${wanted}`, ...remedy);
  return descriptors < FEW_DESCRIPTORS ? warn(text, ...remedy) : ok(text);
}

/** What http_port_t has from the start. */
const LABELLED_PORTS = new Set([80, 81, 443, 488, 8008, 8009, 8443, 9000]);

async function selinux(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const answer = await environment.run("getenforce", []);
  if (answer === null || answer.code !== 0) return [];
  const mode = answer.out.trim();
  const context = environment.securityContext;
  if (mode !== "Enforcing" || /:unconfined_/.test(context)) {
    return [ok(`SELinux: ${mode.toLowerCase()}${mode === "Enforcing" ? ", and does not confine this process" : ""}`)];
  }
  const ports = new Set(wantedOf(config).flatMap(({ label, at }) => (label === "dns" ? [] : [at.port])));
  const lines = [...ports]
    .filter((port) => port > 0 && !LABELLED_PORTS.has(port))
    .map((port) => `sudo semanage port -a -t http_port_t -p tcp ${port}`);
  const restore = 'sudo restorecon -v "$(command -v edge-lb)"';
  return [warn(`SELinux: enforcing, and confines this process (${context || "context not known"})`, ...lines, restore)];
}

/** Ports one after the other: a listener on every address would meet the next one's test. */
export async function checkPorts(config: Config, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const wanted of wantedOf(config)) {
    if (wanted.label === "dns") findings.push(...(await dnsPorts(wanted, environment)));
    else findings.push(gentler(await port(wanted, environment), wanted.label === "admin" && !config.adminGiven));
  }
  return findings;
}

/** Each address of a wildcard has sockets of its own, and one that cannot be had is left out. */
async function dnsPorts(wanted: Wanted, environment: LiveEnvironment): Promise<readonly Finding[]> {
  const { at } = wanted;
  const isWildcard = ["", "::", "0.0.0.0"].includes(at.ip);
  const mine = environment.addresses
    .map(({ ip }) => ip)
    .filter((ip) => at.ip === "" || ip.includes(":") === (at.ip === "::"));
  const ips = isWildcard ? mine : [at.ip];
  const findings: Finding[] = [];
  for (const ip of new Set(ips)) {
    const own = { ...wanted, at: { ip, port: at.port } };
    const tcp = await port(own, environment);
    const found = tcp.grade === "ok" ? await port({ ...own, over: "udp" }, environment) : tcp;
    findings.push(gentler(found, isWildcard));
  }
  return findings;
}

/** @param canDo edge-lb serves clusters without it */
function gentler(finding: Finding, canDo: boolean): Finding {
  return canDo && finding.grade === "fail" ? { ...finding, grade: "warn" } : finding;
}

async function port(wanted: Wanted, environment: LiveEnvironment): Promise<Finding> {
  const { at, over } = wanted;
  const shown = shownOf(wanted);
  const code = await environment.tryListen(at, over);
  switch (code) {
    case null:
      return ok(`${shown}: free`);
    case "EADDRINUSE":
      return held(wanted, environment.holder(at, over), environment.running);
    case "EACCES":
    case "EPERM":
      return environment.running === null
        ? fail(`${shown}: this user may not listen there`, SETCAP)
        : ok(`${shown}: edge-lb runs already`);
    case "EADDRNOTAVAIL":
      return fail(`${shown}: this machine does not have that address`, `sudo ip address add ${at.ip} dev INTERFACE`);
    default:
      return fail(`${shown}: cannot listen there: ${code}`);
  }
}

function shownOf({ label, at, over }: Wanted): string {
  return `${label} ${listenText(at)}${over === "udp" ? " (UDP)" : ""}`;
}

function held(wanted: Wanted, holder: Holder | null, running: number | null): Finding {
  const { label, at, over } = wanted;
  const shown = shownOf(wanted);
  if (holder === null) {
    if (running !== null) return ok(`${shown}: held, as it seems by the edge-lb that runs (pid ${running})`);
    return fail(
      `${shown}: held by a process of another user`,
      `sudo ss ${over === "udp" ? "-lunp" : "-ltnp"} 'sport = :${at.port}'`,
    );
  }
  const { pid, command, unit } = holder;
  if (pid === running) return ok(`${shown}: held by the edge-lb that runs (pid ${pid})`);
  const stop = unit === null ? `sudo ${stopLine(holder)}` : `sudo systemctl disable --now ${unit}`;
  const flag = label === "admin" || label === "dns" ? `--${label} ` : `--listen ${label}=`;
  const move = `or ${flag}ADDR:PORT`;
  return fail(`${shown}: held by ${command} (pid ${pid}${unit === null ? "" : `, ${unit}`})`, stop, move);
}
