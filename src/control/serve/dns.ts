/** `--dns`: names of what is served now, answered beside it. */
import type { Config } from "../../config/model.ts";
import { formatEndpoint } from "../../core/address.ts";
import { DnsServer } from "../../dns/server.ts";
import { Zones } from "../../dns/zones.ts";
import type { Snapshot } from "../../seam/snapshot.ts";
import type { EventLog } from "../log/event-log.ts";
import { addAnswers } from "./carried-counts.ts";
import { bindError } from "./listening.ts";

/** What status shows of it. */
export interface DnsStatus {
  /** `192.168.125.1:53`. */
  readonly listening: readonly string[];
  /** Since the start, by RCODE. */
  readonly answers: Readonly<Record<string, number>>;
}

/** Read at each query: the newest. */
export interface DnsSource {
  readonly snapshot: Snapshot;
  readonly config: Config;
  /** Answered by another process, or before it was closed. */
  readonly before: { readonly dnsAnswers: Readonly<Record<string, number>> };
}

export interface DnsService {
  status(): DnsStatus;
  close(): void;
}

/** @throws EdgeError LISTEN_FAILED */
export async function openDns(source: DnsSource, log: EventLog): Promise<DnsService | null> {
  const { dns: listen } = source.config;
  if (listen.length === 0) return null;
  const server = new DnsServer({
    listen,
    zones: zonesOf(source),
    addresses: () => source.config.dnsAnswer,
    onSkipped: (at, error) =>
      log.warn("dns", `no DNS on ${formatEndpoint(at.ip, at.port)}: ${bindError(error, at, "--dns", at.over).message}`),
  });
  try {
    await server.open();
  } catch (error) {
    const { over, ...at } = server.failedAt ?? { ip: "", port: 53, over: "tcp" as const };
    throw bindError(error, at, "--dns", over);
  }
  return {
    status: () => ({
      listening: server.listening.map(({ ip, port }) => formatEndpoint(ip, port)),
      answers: addAnswers(source.before.dnsAnswers, Object.fromEntries(server.answers)),
    }),
    close: () => server.close(),
  };
}

/** One index per snapshot. */
function zonesOf(source: DnsSource): () => Zones {
  let known: { readonly of: Snapshot; readonly zones: Zones } | null = null;
  return () => {
    if (known?.of !== source.snapshot) known = { of: source.snapshot, zones: new Zones(source.snapshot) };
    return known.zones;
  };
}
