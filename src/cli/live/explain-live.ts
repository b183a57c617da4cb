/** `explain` of the edge-lb that runs: verdicts and load of every candidate, as they are now. */
import type { Candidate, Explanation, Match } from "../../control/api/explain-name.ts";
import { noNodesText, type Circumstances } from "../../control/api/asked-name.ts";
import { formatEndpoint } from "../../core/address.ts";
import type { Client } from "./client.ts";
import { EXIT } from "../terminal/exit-code.ts";
import type { Io } from "../terminal/io.ts";
import { ageText, failedDials } from "./status-table.ts";
import { table } from "../terminal/table.ts";

/** @throws EdgeErrors when the text is no name and no URL */
export async function explainRunning(client: Client, text: string, how: Circumstances, io: Io): Promise<number> {
  const said = Object.entries(how).filter((each): each is [string, string] => typeof each[1] === "string");
  const query = new URLSearchParams([["name", text], ...said]);
  const found = (await client.ask("GET", `explain?${query}`)) as Explanation;
  io.out(explanationText(found));
  return found.matches.some(({ candidates }) => candidates.length > 0) ? EXIT.done : EXIT.failed;
}

export function explanationText({ name, kinds, matches, nearest }: Explanation): string {
  if (matches.length > 0) return matches.map((match) => matchText(name, match)).join("\n");
  if (kinds.length === 0) return `${name}: nothing listens on that port\n`;
  const near = nearest === null ? "nothing known is near" : `nearest is ${nearest}`;
  return `${name}: no cluster has this name on ${kinds.join(", ")}; ${near}\n`;
}

function matchText(
  name: string,
  {
    kind,
    routedBy = kind === "http" ? "host" : "sni",
    rule,
    cluster,
    from,
    allow,
    refused,
    pool,
    candidates,
    warnings = [],
  }: Match,
): string {
  const down = pool.state === "up" ? "" : `, ${pool.state}: ${pool.reason}`;
  return [
    `${name} on ${kind}\n`,
    `  rule       ${rule}\n`,
    `  cluster    ${cluster} (${from})\n`,
    allow.length === 0 ? "" : `  allow      ${allow.join(", ")}\n`,
    refused === null ? "" : `  refused    ${refused}\n`,
    `  pool       ${kind}, ${pool.policy}, ${candidates.length} candidates, ${pool.active} open${down}\n`,
    candidates.length === 0
      ? `             ${noNodesText(cluster, { routedBy })}\n`
      : table(candidates.map(candidateRow)),
    ...warnings.map((warning) => `  warning    ${warning}\n`),
  ].join("");
}

function candidateRow({
  used,
  ip,
  port,
  node,
  state,
  sinceSeconds,
  active,
  weight,
  reason,
  failures,
  lastFailure,
}: Candidate): readonly string[] {
  const name = node === ip ? "" : ` ${node}`;
  const failed = failedDials({ failures, lastFailure });
  const share = used && weight < 100 ? [`slow start at ${weight} %`] : [];
  return [
    `             ${used ? ">" : " "} ${formatEndpoint(ip, port)}${name}`,
    state,
    ageText(sinceSeconds),
    `${active} open`,
    [reason, ...share, ...(failed === null ? [] : [failed])].join("; "),
  ];
}
