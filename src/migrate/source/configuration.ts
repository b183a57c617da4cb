/** A whole haproxy.cfg, read. */
import type { Environment } from "./environment.ts";
import { readLines, type SourceLine } from "./lexer.ts";
import { readProxy, serverPool, type Proxy } from "./proxies.ts";
import type { ReadSide } from "./samples.ts";
import { readSections, type Section } from "./sections.ts";

export interface Source {
  /** As the operator named it; `-` is standard input. */
  readonly file: string;
  readonly lines: readonly SourceLine[];
  readonly sections: readonly Section[];
  /** Sections without `disabled`, in order. */
  readonly proxies: readonly Proxy[];
  /** Backends and listens by name. */
  readonly backends: ReadonlyMap<string, Proxy>;
  /** The servers that `use-server` rules name, each as a backend, by `BACKEND/SERVER`. */
  readonly serverPools: ReadonlyMap<string, Proxy>;
  /** Written by `edge-lb export haproxy`: its backends are called SERVICE_CLUSTER. */
  readonly isOwnExport: boolean;
  /** For maps named in `use_backend`. */
  readonly readSide: ReadSide;
}

const EXPORT_HEAD = "# Written by edge-lb export haproxy;";

/**
 * Reads the text of an haproxy.cfg.
 * @param environment A copy is changed by `setenv` and the like.
 * @throws EdgeErrors CONFIG_UNREADABLE with `file:line:column`.
 */
export function readSource(
  file: string,
  text: string,
  from: { readonly environment: ReadonlyMap<string, string>; readonly readSide: ReadSide },
): Source {
  const environment: Environment = new Map(from.environment);
  const lines = readLines(file, text, environment);
  const sections = readSections(file, lines);
  const proxies = sections
    .filter(({ kind }) => kind === "frontend" || kind === "backend" || kind === "listen")
    .map((section) => readProxy(section, { environment, readSide: from.readSide }));
  const enabled = proxies.filter((proxy) => !proxy.disabled);
  const receivers = enabled.filter((proxy) => proxy.section.kind !== "frontend").toReversed();
  // Of two backends with one name, which HAProxy refuses, the first counts.
  const backends = new Map(receivers.map((proxy) => [proxy.name, proxy]));
  const serverPools = new Map(
    enabled
      .flatMap((proxy) => proxy.serverRules.flatMap(({ serverName }) => serverPool(proxy, serverName) ?? []))
      .map((pool) => [pool.name, pool]),
  );
  const isOwnExport = text.startsWith(EXPORT_HEAD);
  return { file, lines, sections, proxies: enabled, backends, serverPools, isOwnExport, readSide: from.readSide };
}

/** The backend (or listen) of a name. */
export function findBackend(source: Source, name: string): Proxy | null {
  return source.backends.get(name) ?? null;
}
