/** The machine as `check --live` sees it; tests give one of their own. */
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import * as dns from "node:dns/promises";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type { ListenAddress } from "../config/values/addresses.ts";
import type { Config } from "../config/model.ts";
import { canonicalIp, formatEndpoint } from "../core/address.ts";
import { descriptorLimit } from "../runtime/descriptors.ts";
import { readSourcePorts, type SourcePorts } from "../control/machine/source-ports.ts";
import { askClock, type ClockAnswer, type ClockQuestion } from "./clock.ts";
import { portHolder, type Holder, type Transport } from "../control/machine/port-holder.ts";
import { chooseEngine, type ChosenEngine } from "../control/serve/engine.ts";
import { createNodeProbe, type NodeProbe, type ProbePlan } from "../control/probe/node-probe.ts";
import { codeOf } from "../errors.ts";

export interface OwnAddress {
  readonly interface: string;
  readonly ip: string;
  /** `192.168.125.1/24`; null: not known. */
  readonly cidr: string | null;
}

export interface LiveEnvironment {
  readonly addresses: readonly OwnAddress[];
  /** CAP_NET_BIND_SERVICE is in force. */
  readonly mayBindLow: boolean;
  /** The first port that needs no right. */
  readonly firstFreePort: number;
  readonly descriptors: number;
  /** Process id of the edge-lb that runs here; null: none was found. */
  readonly running: number | null;
  /** The settings as typed, for command lines to print. */
  readonly typed: string;
  /** Of SELinux; "" without it. */
  readonly securityContext: string;
  readonly wallMs: () => number;
  /** Addresses as every program here gets them, the hosts file first. @throws Error with a code */
  lookup(name: string): Promise<readonly string[]>;
  /** Addresses as that name server gives them, of its own family; or why there are none. */
  askServer(server: ListenAddress, name: string): Promise<readonly string[] | string>;
  /** Bind and close again. @returns null, or why not: `EADDRINUSE` */
  tryListen(at: ListenAddress, over: Transport): Promise<string | null>;
  holder(at: ListenAddress, over: Transport): Holder | null;
  /** What a program prints; null: there is none of that name. */
  run(program: string, args: readonly string[]): Promise<ProgramAnswer | null>;
  nodeProbe(plan: ProbePlan): NodeProbe;
  /** Not given: nothing is known of them. */
  readonly sourcePorts?: SourcePorts | null;
  /** This process may dial from a client's address. Not given: nobody wants to know. */
  mayDialFromAnywhere?(): Promise<boolean>;
  /** Not given: nobody wants to know. */
  engine?(config: Config): Promise<ChosenEngine>;
  /** The node's own idea of time. */
  clock(question: ClockQuestion): Promise<ClockAnswer>;
}

export interface ProgramAnswer {
  readonly code: number;
  readonly out: string;
}

/** A name server on this machine or beside it answers at once. */
const DNS_MS = 2_000;
/** firewall-cmd is a Python program that asks a daemon. */
const PROGRAM_MS = 5_000;
const CAP_NET_BIND_SERVICE = 10n;
/** Kernels before 4.11 and other systems know no other. */
const USUAL_FIRST_FREE_PORT = 1_024;

export function systemEnvironment(running: number | null, typed: string): LiveEnvironment {
  return {
    typed,
    addresses: ownAddresses(),
    mayBindLow: mayBindLow(),
    firstFreePort: Number(read("/proc/sys/net/ipv4/ip_unprivileged_port_start") || USUAL_FIRST_FREE_PORT),
    descriptors: descriptorLimit(),
    running,
    sourcePorts: readSourcePorts(read),
    securityContext: read("/proc/self/attr/current").replaceAll("\0", "").trim(),
    wallMs: Date.now,
    lookup: async (name) => {
      const found = await dns.lookup(name, { all: true });
      return [...new Set(found.map(({ address }) => canonicalIp(address) ?? address))];
    },
    askServer,
    tryListen,
    holder: portHolder,
    run,
    nodeProbe: createNodeProbe,
    mayDialFromAnywhere: async () => (await import("../runtime/kernel/transparent.ts")).mayDialFromAnywhere(),
    engine: ({ engine, ring }) => chooseEngine(engine, ring),
    clock: askClock,
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function ownAddresses(): readonly OwnAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, cidr }) => ({ interface: name, ip: canonicalIp(address) ?? address, cidr })),
  );
}

function mayBindLow(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(read("/proc/self/status"))?.[1];
  if (effective === undefined) return process.geteuid?.() === 0;
  return ((BigInt(`0x${effective}`) >> CAP_NET_BIND_SERVICE) & 1n) === 1n;
}

async function askServer({ ip, port }: ListenAddress, name: string): Promise<readonly string[] | string> {
  const resolver = new dns.Resolver({ timeout: DNS_MS, tries: 1 });
  resolver.setServers([formatEndpoint(ip, port)]);
  try {
    return await (ip.includes(":") ? resolver.resolve6(name) : resolver.resolve4(name));
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
}

function tryListen(at: ListenAddress, over: Transport): Promise<string | null> {
  if (over === "udp") return tryBind(at);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve(codeOf(error) ?? error.message));
    server.listen({ port: at.port, ...(at.ip === "" ? {} : { host: at.ip }), exclusive: true }, () =>
      server.close(() => resolve(null)),
    );
  });
}

function tryBind({ ip, port }: ListenAddress): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(ip === "" || ip.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error) => resolve(codeOf(error) ?? error.message));
    socket.bind({ port, ...(ip === "" ? {} : { address: ip }), exclusive: true }, () => {
      socket.close(() => resolve(null));
    });
  });
}

function run(program: string, args: readonly string[]): Promise<ProgramAnswer | null> {
  return new Promise((resolve) => {
    execFile(program, [...args], { timeout: PROGRAM_MS, env: { ...process.env, LC_ALL: "C" } }, (error, out) => {
      if (error === null) resolve({ code: 0, out });
      else resolve(error.code === "ENOENT" ? null : { code: typeof error.code === "number" ? error.code : 1, out });
    });
  });
}
