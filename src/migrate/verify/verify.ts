/** The proof: every name asked of the source's rules and of edge-lb's route table, for clients inside and outside of lists, and why answers differ. */
import type { Config } from "../../config/model.ts";
import type { ServiceName } from "../../seam/services.ts";
import type { ImportResult } from "../plan/plan.ts";
import type { EntryRoutes } from "../routes/routes.ts";
import { proxyVersion } from "../plan/proxy-version.ts";
import { endpointText } from "../plan/units.ts";
import { evaluate, type Ask, type Outcome } from "../source/evaluator.ts";
import type { Note } from "../source/ledger.ts";
import { usableServers, type Proxy } from "../source/proxies.ts";
import { Edge, headerText, type Answer } from "./edge.ts";
import { LITERAL } from "../routes/near-misses.ts";
import { namesToAsk } from "./names.ts";
import { findReason } from "./reasons.ts";

export interface Difference {
  readonly listener: ServiceName;
  /** Frontend of the source. */
  readonly frontend: string;
  /** As sent; null: no name. */
  readonly name: string | null;
  readonly client: string;
  readonly source: string;
  readonly edge: string;
  /** All that the source leads to is still reached, by whom it serves: edge-lb has further nodes, or serves what it refuses. */
  readonly isMore: boolean;
  /** The note that explains it; null is an error of the import. */
  readonly reason: Note | null;
}

export interface Verification {
  /** Names asked, over all listeners and clients. */
  readonly asked: number;
  readonly differences: readonly Difference[];
}

/** @param config What edge-lb makes of the written configuration. */
export function verifyImport(result: ImportResult, config: Config): Verification {
  const addresses = standIns(result);
  const edge = new Edge(config, addresses);
  let asked = 0;
  const differences: Difference[] = [];
  for (const survey of result.surveys) {
    for (const name of [...namesToAsk(result, survey.entry), LITERAL]) {
      for (const client of survey.clients) {
        asked++;
        const difference = compare(result, survey, { edge, addresses }, name, client);
        if (difference !== null) differences.push(difference);
      }
    }
  }
  return { asked, differences };
}

interface Sides {
  readonly edge: Edge;
  readonly addresses: ReadonlyMap<string, string>;
}

/** Host names are not looked up in a proof: each gets an address that stands for it (RFC 6890: never used). */
function standIns({ units }: ImportResult): ReadonlyMap<string, string> {
  const hosts = new Set(
    units.flatMap((unit) => unit.servers.filter((server) => server.isName).map((server) => server.host)),
  );
  return new Map([...hosts].map((host, index) => [host, `240.0.${Math.floor(index / 256) % 256}.${index % 256}`]));
}

function compare(
  result: ImportResult,
  survey: EntryRoutes,
  { edge, addresses }: Sides,
  name: string | null,
  client: string,
): Difference | null {
  const { entry } = survey;
  const port = entry.binds[0]?.port ?? 0;
  const speaks = entry.kind === "http" ? "http" : "tls";
  const ask: Ask = { proxy: entry.proxy, port, name, client, speaks };
  const outcome = evaluate(result.source, ask);
  const was = sourceAnswer(outcome, port, addresses);
  const is = edge.answer(entry.kind, name, client);
  if (was.reached === is.reached) return null;
  const group = result.groups.find((one) => one.name === is.cluster) ?? null;
  const meant = evaluate(result.source, { ...ask, asMeant: true });
  const asMeant = sourceAnswer(meant, port, addresses).reached === is.reached;
  const reason = findReason(result, { survey, name, client, outcome: meant, asMeant, edgeReaches: is.reached, group });
  const isMore = includes(is.reached, was.reached);
  return {
    listener: entry.kind,
    frontend: entry.proxy.name,
    name,
    client,
    source: was.text,
    edge: is.text,
    isMore,
    reason,
  };
}

/** @param all As `Answer.reached`. */
function includes(all: string, some: string): boolean {
  const nodes = new Set(all.split(" "));
  return some === "" || some.split(" ").every((node) => nodes.has(node));
}

const HEADERS = { off: 0, v1: 1, v2: 2 } as const;

/** As `Answer.reached`. */
export function nodesReached(backend: Proxy, port: number, addresses: ReadonlyMap<string, string>): string {
  const nodes = usableServers(backend).map((server) => {
    const endpoint = endpointText({ ...server, host: addresses.get(server.host) ?? server.host }, port);
    return endpoint + headerText(HEADERS[proxyVersion(server)]);
  });
  return [...new Set(nodes)].sort().join(" ");
}

const NOWHERE = { reached: "", cluster: null };

function sourceAnswer(outcome: Outcome, port: number, addresses: ReadonlyMap<string, string>): Answer {
  switch (outcome.kind) {
    case "redirect-https":
      return { text: "redirect to https", reached: "redirect", cluster: null };
    case "unknown":
      return { text: `it depends (line ${outcome.line.line})`, reached: "?", cluster: null };
    case "answer":
      return { text: "answered by HAProxy itself", reached: "answer", cluster: null };
    case "tls-ends":
      return { text: `TLS ends at ${outcome.frontend.name}`, reached: "TLS ends", cluster: null };
    case "none":
      return { text: "refused", ...NOWHERE };
    case "backend":
  }
  const reached = nodesReached(outcome.backend, port, addresses);
  const text = reached === "" ? "refused" : `${outcome.backend.name}${outcome.byDefault ? " by default" : ""}`;
  return { text, reached, cluster: null };
}
