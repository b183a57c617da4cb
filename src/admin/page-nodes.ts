/** The nodes of one cluster: a table for the API, one for the ingress, as both have their own probes. */
import { membersOf } from "../core/health/cluster-state.ts";
import type { EndpointStatus, PoolStatus } from "../control/status/pool-report.ts";
import type { ClusterStatus } from "../control/status/report.ts";
import type { HealthWord } from "../seam/board.ts";
import { serviceNamed, SERVICES } from "../seam/services.ts";
import { html, type Markup } from "./page-html.ts";
import { bytes, count, many, rungWords, shortDuration, STATE_WORDS } from "./page-words.ts";

/** https and http share the router's verdict, so their nodes are told once where they agree. */
function titleOf({ kind }: PoolStatus): string {
  return serviceNamed(SERVICES, kind)?.group.title ?? kind;
}

/** Rows that a card shows at once; the rest of a large cluster folds away. */
const SHOWN_MOST = 12;
/** Any IPv4 address, in characters: what is longer may break into two lines. */
const UNBROKEN_MOST = 15;
/** Nodes of other pools that are named. */
const NAMED_MOST = 6;

/** One section for each group of services that the cluster has pools for. */
export function nodeTables({ name, pools }: ClusterStatus): readonly Markup[] {
  const titles = [...new Set(pools.map(titleOf))];
  return titles.map((title) =>
    section(
      name,
      title,
      pools.filter((pool) => titleOf(pool) === title),
    ),
  );
}

function section(cluster: string, title: string, pools: readonly PoolStatus[]): Markup {
  const rows = rowsOf(pools);
  return html`<section class="pool">
    <div class="lead">
      <h4>${title} ${poolStates(pools)}</h4>
      <p class="how">${how(pools)}</p>
    </div>
    ${rows.length === 0 ? null : table(`${cluster}: ${title} nodes`, rows.slice(0, SHOWN_MOST))}
    ${rows.length <= SHOWN_MOST ? null : folded(cluster, title, rows.slice(SHOWN_MOST))}${elsewhere(pools)}
  </section>`;
}

/** One badge where the pools agree, else one for each. */
function poolStates(pools: readonly PoolStatus[]): readonly Markup[] {
  const agree = new Set(pools.map(({ state }) => state)).size === 1;
  return pools.slice(0, agree ? 1 : pools.length).map(({ kind, state }) => html`${badge(state, agree ? null : kind)} `);
}

/** Up nodes of all, how they share the clients, what they are asked. */
function how(pools: readonly PoolStatus[]): string {
  const nodes = new Map<string, boolean>();
  for (const pool of pools)
    for (const { node, state } of membersOf(pool)) nodes.set(node, (nodes.get(node) ?? true) && state === "up");
  const up = [...nodes.values()].filter(Boolean).length;
  const policies = pools.map(({ kind, policy }) => (pools.length === 1 ? policy : `${kind} ${policy}`)).join(", ");
  const rungs = [...new Set(pools.flatMap(({ rung }) => (rung === null ? [] : [rungWords(rung)])))];
  const asked = rungs.length === 0 ? "" : ` · ${rungs.join(", ")}`;
  return `${up} of ${many(nodes.size, "node")} up · ${policies}${asked}`;
}

interface Row {
  /** Pools it stands for; null: all of its section. */
  readonly kinds: string | null;
  readonly endpoints: readonly [EndpointStatus, ...EndpointStatus[]];
}

function rowsOf(pools: readonly PoolStatus[]): readonly Row[] {
  const rows = new Map<string, { kinds: string[]; endpoints: [EndpointStatus, ...EndpointStatus[]] }>();
  for (const pool of pools) {
    for (const endpoint of membersOf(pool)) {
      const key = JSON.stringify([endpoint.node, endpoint.ip, endpoint.state, endpoint.reason]);
      const row = rows.get(key);
      if (row === undefined) rows.set(key, { kinds: [pool.kind], endpoints: [endpoint] });
      else {
        row.kinds.push(pool.kind);
        row.endpoints.push(endpoint);
      }
    }
  }
  const order = [...new Set([...rows.values()].map(({ endpoints: [{ node }] }) => node))];
  return [...rows.values()]
    .sort((a, b) => order.indexOf(a.endpoints[0].node) - order.indexOf(b.endpoints[0].node))
    .map(({ kinds, endpoints }) => ({ kinds: kinds.length === pools.length ? null : kinds.join(" "), endpoints }));
}

function table(caption: string, rows: readonly Row[]): Markup {
  return html`<table>
    <caption class="unseen">
      ${caption}
    </caption>
    <thead>
      <tr>
        <th scope="col">State</th>
        <th scope="col">Node</th>
        <th scope="col">Why</th>
        <th scope="col" class="n">Since</th>
        <th scope="col" class="n">Active</th>
        <th scope="col" class="n">Bytes</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(nodeRow)}
    </tbody>
  </table>`;
}

function nodeRow({ kinds, endpoints }: Row): Markup {
  const [first] = endpoints;
  const sum = (of: (endpoint: EndpointStatus) => number): number => endpoints.reduce((all, each) => all + of(each), 0);
  const failed = endpoints.filter(({ lastFailure }) => lastFailure !== null);
  return html`<tr data-state="${first.state}">
    <td>${badge(first.state, null)}</td>
    <th scope="row">
      <bdi${first.node.length > UNBROKEN_MOST ? null : html` class="short"`}>${first.node}</bdi
      >${first.node === first.ip ? null : html` <small>${first.ip}</small>`}${kinds === null ? null : html` <small class="tag">${kinds}</small>`}
    </th>
    <td class="why">${first.reason}${notes(first, failed)}</td>
    <td class="n">${shortDuration(Math.min(...endpoints.map(({ sinceSeconds }) => sinceSeconds)))}</td>
    <td class="n">${count(sum(({ active }) => active))}</td>
    <td class="n">${bytes(sum((each) => each.bytesUp + each.bytesDown))}</td>
  </tr> `;
}

/** What is not plain about a node: nobody knows yet whether it belongs here, whose it is, dials that failed. */
function notes({ role, identity }: EndpointStatus, failed: readonly EndpointStatus[]): Markup | null {
  const [last] = failed.flatMap(({ lastFailure }) => lastFailure ?? []);
  const failures = failed.reduce((all, each) => all + each.failures, 0);
  const said = [
    ...(role === "candidate" ? ["role not known yet"] : []),
    ...(identity === "foreign" ? ["another cluster's node"] : []),
    ...(last === undefined ? [] : [`${many(failures, "failed dial")}, last ${last.error}`]),
  ];
  return said.length === 0 ? null : html` <small>${said.join(" · ")}</small>`;
}

function folded(cluster: string, title: string, rows: readonly Row[]): Markup {
  const wrong = rows.filter(({ endpoints }) => endpoints.some(({ state }) => state !== "up")).length;
  const words = `${count(rows.length)} more${wrong === 0 ? ", all up" : `, ${count(wrong)} of them not up`}`;
  return html`<details>
    <summary>${words}</summary>
    ${table(`${cluster}: more ${title} nodes`, rows)}
  </details>`;
}

/** Nodes that were asked and serve other pools only. */
function elsewhere(pools: readonly PoolStatus[]): Markup | null {
  const absent = (pool: PoolStatus): readonly string[] =>
    pool.endpoints.flatMap(({ role, node }) => (role === "absent" ? [node] : []));
  const [first = [], ...rest] = pools.map(absent);
  const all = first.filter((node) => rest.every((other) => other.includes(node)));
  if (all.length === 0) return null;
  const more = all.length > NAMED_MOST ? ` and ${count(all.length - NAMED_MOST)} more` : "";
  return html`<p class="how">Not in this pool: ${all.slice(0, NAMED_MOST).join(", ")}${more}</p>`;
}

/** Shape, word and colour of a state. */
export function badge(state: HealthWord, prefix: string | null): Markup {
  const { sign, word } = STATE_WORDS[state];
  return html`<span class="state" data-state="${state}"
    ><i aria-hidden="true">${sign}</i>${prefix === null ? "" : `${prefix} `}${word}</span
  >`;
}
