/** One connection of a probe: how far it got, which certificate was shown, and which fault ended it. */
import * as net from "node:net";
import * as tls from "node:tls";
import type { ShownCertificate } from "../../core/health/identity.ts";
import type { Evidence, Fault } from "../../core/health/ladder.ts";
import { authorityKey } from "../../core/tls/authority-key.ts";
import type { Address } from "../../seam/snapshot.ts";
import { codeOf } from "../../errors.ts";
import { lowestFreeDescriptor } from "../../runtime/descriptors.ts";

export interface SocketPlan {
  readonly at: Address;
  /** Null: plain TCP. */
  readonly tls: TlsPlan | null;
}

export interface TlsPlan {
  /** A name the server has a certificate for; null: ask without one. */
  readonly servername: string | null;
  readonly alpn: readonly string[];
}

/** Filled while a connection is made. */
export interface Progress {
  got: "nothing" | "tcp" | "tls";
  certificate: ShownCertificate | null;
}

export function noProgress(): Progress {
  return { got: "nothing", certificate: null };
}

/** What one probe of a port gave. */
export interface ProbeResult {
  /** Null: this machine could not ask (out of descriptors or ports), which says nothing of the node. */
  readonly evidence: Evidence | null;
  /** Shown on this connection, if it was a new one with a finished handshake. */
  readonly certificate: ShownCertificate | null;
  /** A connection was made for this probe. */
  readonly fresh: boolean;
}

/** Out of time; made by the caller, since no socket timer covers connect, handshake and answer together. */
export class ProbeTimeout extends Error {
  override readonly name = "ProbeTimeout";
  /** This machine stood still and read nothing meanwhile, so the node may have answered in time. */
  readonly overslept: boolean;

  constructor(overslept: boolean) {
    super("out of time");
    this.overslept = overslept;
  }
}

/** The peer answered, and not in HTTP. */
export class ProbeGarbage extends Error {
  override readonly name = "ProbeGarbage";
}

/** A timer that fires this much too late, as a share of its time, shows that this machine stood still. */
const OVERSLEPT = 0.5;

/** @returns cancels the deadline */
export function deadline(timeoutMs: number, over: (error: ProbeTimeout) => void): () => void {
  const startedMs = performance.now();
  const timer = setTimeout(() => {
    over(new ProbeTimeout(performance.now() - startedMs > timeoutMs * (1 + OVERSLEPT)));
  }, timeoutMs);
  return () => clearTimeout(timer);
}

/** Names of a certificate that are kept; real ones have a few dozen. */
const NAMES_MOST = 256;
/** Characters of an authority's name that are kept. */
const ISSUER_MOST = 200;
/** A polite close that the peer does not answer ends after this. */
export const CLOSE_MS = 1_000;

/**
 * Connect, and shake hands where the plan says so. The chain is not checked: any cluster has a CA of its own.
 * @param done Called once, with null when the connection can be used.
 */
export function openSocket(plan: SocketPlan, progress: Progress, done: (error: Error | null) => void): net.Socket {
  let waiting = true;
  const finish = (error: Error | null): void => {
    if (waiting) done(error);
    waiting = false;
  };
  const socket = plan.tls === null ? net.connect(tcpOptions(plan.at)) : tls.connect(tlsOptions(plan.at, plan.tls));
  socket.setNoDelay(true);
  socket.on("connect", () => {
    progress.got = progress.got === "tls" ? "tls" : "tcp";
    if (plan.tls === null) finish(null);
  });
  if (socket instanceof tls.TLSSocket) {
    socket.on("secureConnect", () => {
      progress.got = "tls";
      progress.certificate = shownCertificate(socket);
      finish(null);
    });
  }
  // for the socket's whole life: a reset while it idles must not become an uncaught error
  socket.on("error", (error: Error) => finish(error));
  socket.on("close", () => finish(new Error("closed")));
  return socket;
}

function tcpOptions(at: Address): net.TcpNetConnectOpts {
  return { host: at.ip, port: at.port };
}

function tlsOptions(at: Address, plan: TlsPlan): tls.ConnectionOptions {
  const base = { host: at.ip, port: at.port, rejectUnauthorized: false, ALPNProtocols: [...plan.alpn] };
  return plan.servername === null ? base : { ...base, servername: plan.servername };
}

/** Close politely: close_notify and FIN after a finished handshake leave no line in the server's log. */
export function closePolitely(socket: net.Socket): void {
  const timer = setTimeout(() => socket.destroy(), CLOSE_MS);
  socket.once("close", () => clearTimeout(timer));
  socket.resume(); // what was not read would turn the FIN into a RST
  socket.end();
}

function shownCertificate(socket: tls.TLSSocket): ShownCertificate | null {
  const shown = socket.getPeerCertificate();
  if (shown?.fingerprint256 === undefined) return null;
  const names = (shown.subjectaltname ?? "")
    .split(", ")
    .filter((entry) => entry.startsWith("DNS:"))
    .slice(0, NAMES_MOST)
    .map((entry) => entry.slice("DNS:".length).toLowerCase().replace(/\.$/, ""));
  const notAfterMs = Date.parse(shown.valid_to);
  return {
    names,
    notAfterMs: Number.isNaN(notAfterMs) ? Number.POSITIVE_INFINITY : notAfterMs,
    fingerprint: shown.fingerprint256,
    issuer: authorityKey(shown.raw ?? new Uint8Array()) ?? nameText(shown.issuer),
    offersH2: socket.alpnProtocol === "h2",
  };
}

/** `O=lab CN=hub authority`; a field may be there twice. */
function nameText(name: Readonly<Record<string, string | readonly string[] | undefined>> | undefined): string {
  const fields = Object.entries(name ?? {}).map(([key, value]) => `${key}=${[value].flat().join("+")}`);
  return fields.join(" ").slice(0, ISSUER_MOST);
}

/** Errors of this machine, not of the node. */
const LOCAL_FAULTS = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL", "EAGAIN"]);
const FAULTS: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EPIPE: "reset",
  ETIMEDOUT: "silent",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETDOWN: "unreachable",
  EPERM: "unreachable", // a local firewall rule
  EACCES: "unreachable",
};

/** What a failure says of the node; null: nothing. */
export function faultEvidence(error: unknown, progress: Progress, timeoutMs: number): Evidence | null {
  if (error instanceof ProbeTimeout) {
    return error.overslept ? null : { got: progress.got, fault: "silent", timeoutMs };
  }
  const code = codeOf(error) ?? "";
  if (LOCAL_FAULTS.has(code) || (progress.got === "nothing" && outOfDescriptors())) return null;
  return { got: progress.got, fault: faultOf(code, error, progress), timeoutMs };
}

/** This process has no descriptor left. Bun reports that as "refused", which would take every node out at once if believed. */
export function outOfDescriptors(): boolean {
  try {
    lowestFreeDescriptor();
    return false;
  } catch (error) {
    return LOCAL_FAULTS.has(codeOf(error) ?? "");
  }
}

function faultOf(code: string, error: unknown, progress: Progress): Fault {
  // node and Bun report an end of stream inside the handshake as ECONNRESET with these words
  if (error instanceof Error && error.message.includes("before secure TLS connection")) return "closed";
  const known = FAULTS[code];
  if (known !== undefined) return known;
  if (error instanceof ProbeGarbage) return "garbage";
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") return "alert";
  return progress.got === "nothing" ? "unreachable" : "closed";
}
