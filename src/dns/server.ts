/** The sockets of `--dns`: UDP and TCP on every address, each answering with the address that was asked. */
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { networkInterfaces } from "node:os";
import type { ListenAddress } from "../config/values/addresses.ts";
import { canonicalIp } from "../core/address.ts";
import type { Answered, Rcode } from "./answer.ts";
import { AnswerCache } from "./answer-cache.ts";
import { Zones } from "./zones.ts";

export interface DnsInput {
  readonly listen: readonly ListenAddress[];
  /** Fixed answers; empty: the address that was asked. */
  addresses(): readonly string[];
  zones(): Zones;
  /** A wildcard address stands for those of this machine: one of them cannot be listened on. */
  onSkipped(at: RefusedAddress, error: unknown): void;
}

/** An address that cannot be listened on, and over what. */
export interface RefusedAddress extends ListenAddress {
  readonly over: "udp" | "tcp";
}

/** Open connections; one more takes the place of the one that has waited longest. */
const CONNECTIONS_MOST = 64;
/** RFC 7766 §6.2.3: a connection without a query is closed. */
const IDLE_MS = 10_000;
/** How soon an address that this machine gets is listened on. */
const INTERFACES_MS = 5_000;
/** Answers that a slow reader of a connection has not taken, in bytes. */
const UNREAD_MOST = 262_144;

interface Opened {
  readonly at: ListenAddress;
  readonly udp: dgram.Socket;
  readonly tcp: net.Server;
}

export class DnsServer {
  readonly answers = new Map<Rcode, number>();
  private readonly cache = new AnswerCache();
  private readonly input: DnsInput;
  private readonly opened = new Map<string, Opened>();
  private readonly skipped = new Set<string>();
  private readonly connections = new Set<net.Socket>();
  private readonly watching: ReturnType<typeof setInterval> | null;
  /** The address that could not be had, after `open` threw. */
  failedAt: RefusedAddress | null = null;
  private known: { readonly zones: Zones; readonly serial: number } | null = null;

  constructor(input: DnsInput) {
    this.input = input;
    this.watching = input.listen.some(isWildcard) ? setInterval(() => void this.openNew(), INTERFACES_MS) : null;
  }

  /** @throws the socket's error, with `code`, of an address that was named; of a wildcard's when none can be had */
  async open(): Promise<void> {
    try {
      for (const at of this.input.listen.filter((each) => !isWildcard(each))) await this.openAt(at);
      const missed = await this.openNew();
      if (this.opened.size === 0 && missed !== null) throw missed;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Where it answers. */
  get listening(): readonly ListenAddress[] {
    return [...this.opened.values()].map(({ at }) => at);
  }

  close(): void {
    if (this.watching !== null) clearInterval(this.watching);
    for (const { udp, tcp } of this.opened.values()) {
      udp.close();
      tcp.close();
    }
    for (const connection of this.connections) connection.destroy();
    this.opened.clear();
  }

  /** A wildcard socket does not tell which of its addresses was asked, so each address has its own. @returns why one is missing */
  private async openNew(): Promise<unknown> {
    let missed: unknown = null;
    const local = localAddresses();
    for (const { ip, port } of this.input.listen.filter(isWildcard)) {
      for (const own of local.filter((each) => ip === "" || each.includes(":") === (ip === "::"))) {
        const at = { ip: own, port };
        if (this.opened.has(keyOf(at))) continue;
        await this.openAt(at).catch((error: unknown) => {
          missed = error;
          if (!this.skipped.has(keyOf(at))) this.input.onSkipped(this.failedAt ?? { ...at, over: "tcp" }, error);
          this.skipped.add(keyOf(at));
        });
      }
    }
    return missed;
  }

  private async openAt({ ip, port }: ListenAddress): Promise<void> {
    const isV6 = ip.includes(":");
    this.failedAt = { ip, port, over: "tcp" };
    const tcp = net.createServer((connection) => this.take(connection, ip));
    tcp.listen({ host: ip, port, ipv6Only: isV6 });
    await once(tcp, "listening");
    const address = tcp.address();
    const bound = address === null || typeof address === "string" ? port : address.port;
    const udp = dgram.createSocket({ type: isV6 ? "udp6" : "udp4", ipv6Only: isV6 });
    this.failedAt = { ip, port, over: "udp" };
    try {
      udp.bind({ address: ip, port: bound });
      await once(udp, "listening");
    } catch (error) {
      tcp.close();
      throw error;
    }
    tcp.on("error", () => {});
    udp.on("error", () => {});
    udp.on("message", (query, { address: host, port: back }) => {
      const answered = this.answer(query, ip, "udp");
      // who asks from port 0 cannot be answered
      if (answered !== null && back > 0) udp.send(answered.bytes, back, host);
    });
    this.opened.set(keyOf({ ip, port }), { at: { ip, port: bound }, udp, tcp });
  }

  private answer(query: Uint8Array, ip: string, over: "udp" | "tcp"): Answered | null {
    const zones = this.input.zones();
    if (this.known?.zones !== zones) this.known = { zones, serial: Math.floor(Date.now() / 1_000) };
    const fixed = this.input.addresses();
    const answered = this.cache.answer(query, {
      addresses: fixed.length > 0 ? fixed : [ip],
      zones,
      serial: this.known.serial,
      over,
    });
    if (answered !== null) this.answers.set(answered.rcode, (this.answers.get(answered.rcode) ?? 0) + 1);
    return answered;
  }

  /** RFC 7766: any number of queries on a connection, each behind its length. */
  private take(connection: net.Socket, ip: string): void {
    const [oldest] = this.connections;
    if (this.connections.size >= CONNECTIONS_MOST && oldest !== undefined) oldest.destroy();
    this.connections.add(connection);
    connection.setTimeout(IDLE_MS, () => connection.destroy());
    connection.on("error", () => {});
    connection.on("close", () => this.connections.delete(connection));
    let rest = Buffer.alloc(0);
    connection.on("data", (chunk) => {
      rest = Buffer.concat([rest, Buffer.from(chunk)]);
      rest = this.answerAll(connection, rest, ip);
    });
  }

  /** @returns the bytes of a query that is not complete yet */
  private answerAll(connection: net.Socket, bytes: Buffer<ArrayBuffer>, ip: string): Buffer<ArrayBuffer> {
    let rest = bytes;
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0);
      const answered = this.answer(rest.subarray(2, end), ip, "tcp");
      rest = rest.subarray(end);
      if (answered === null || connection.writableLength > UNREAD_MOST) {
        connection.destroy();
        break;
      }
      const length = Buffer.alloc(2);
      length.writeUInt16BE(answered.bytes.length);
      connection.write(Buffer.concat([length, answered.bytes]));
    }
    return rest;
  }
}

function isWildcard({ ip }: ListenAddress): boolean {
  return ip === "" || ip === "0.0.0.0" || ip === "::";
}

function keyOf({ ip, port }: ListenAddress): string {
  return `${ip} ${port}`;
}

/** Link-local IPv6 addresses are no use without the interface they are on. */
function localAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.flatMap(({ address, scopeid }) =>
    scopeid === undefined || scopeid === 0 ? (canonicalIp(address) ?? []) : [],
  );
}
