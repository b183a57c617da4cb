/** What is not of one cluster: totals, listeners, names nobody serves, events. */
import type { ControlEvent } from "../control/log/recent-events.ts";
import type { LogLevel } from "../control/log/sink.ts";
import type { ConnectionStatus, Status } from "../control/status/report.ts";
import type { UnknownName } from "../control/serve/unknown-names.ts";
import { cardId, trafficCharts } from "./page-cards.ts";
import { html, type Markup } from "./page-html.ts";
import { count, many, shortDuration } from "./page-words.ts";

/** As many as a reader takes in at once; /v1/status has all of them. */
const NAMES_SHOWN = 20;
const EVENTS_SHOWN = 10;
const EVENTS_FOLDED = 20;
const TROUBLED_SHOWN = 8;

// ── totals ──

function byAddress({ byClientAddress }: ConnectionStatus): Markup | null {
  return byClientAddress === 0 ? null : html` <small>${count(byClientAddress)} by client address</small>`;
}

export function overview(status: Status): Markup {
  const { connections, rates, history } = status;
  return html`<section class="overview" aria-label="All clusters together">
      <dl>
        <div>
          <dt>Open connections</dt>
          <dd><b>${count(connections.open)}</b> <small>of ${count(connections.limit)}</small></dd>
        </div>
        <div>
          <dt>Accepted</dt>
          <dd><b>${count(connections.accepted)}</b>${byAddress(connections)}</dd>
        </div>
        <div>
          <dt>Up for</dt>
          <dd><b>${shortDuration(status.uptimeSeconds)}</b></dd>
        </div>
        <div>
          <dt>Engine</dt>
          <dd>
            <b>${status.engine}</b>
            <small>${many(status.workers, "worker")}${status.ring?.on === false ? ", no io_uring" : ""}</small>
          </dd>
        </div>
      </dl>
      ${trafficCharts("All clusters", rates, history)}
    </section>
    ${notices(status)}`;
}

/** Sentences that ask for somebody's attention; nothing where all is well. */
function notices(status: Status): Markup | null {
  const texts = [
    ...(status.stopping ? [html`edge-lb is stopping: it accepts no new connections and waits for open ones.`] : []),
    ...(status.reload.lastError === null ? [] : [html`The last reload changed nothing: ${status.reload.lastError}`]),
    ...status.names.flatMap(({ host, error }) => (error === null ? [] : [html`Cannot resolve ${host}: ${error}`])),
    ...(status.removed ?? []).map(
      ({ name, from }) =>
        html`Cluster ${name} was removed while running, ${from} still has it: <code>edge-lb add ${name}</code> brings it
          back.`,
    ),
    ...troubled(status),
  ];
  if (texts.length === 0) return null;
  return html`<ul class="warnings" aria-label="Needs attention">
    ${texts.map((text) => html`<li><i aria-hidden="true">!</i><span>${text}</span></li>`)}
  </ul>`;
}

function troubled({ clusters }: Status): readonly Markup[] {
  const wrong = clusters.filter(({ state }) => state === "down" || state === "degraded");
  if (wrong.length === 0) return [];
  const shown = wrong
    .toSorted((a, b) => b.state.localeCompare(a.state))
    .slice(0, TROUBLED_SHOWN)
    .map(({ name, state }, at) => html`${at === 0 ? "" : ", "}<a href="#${cardId(name)}">${name}</a> ${state}`);
  const more = wrong.length > TROUBLED_SHOWN ? `, and ${count(wrong.length - TROUBLED_SHOWN)} more` : "";
  return [html`${shown}${more}`];
}

// ── listeners ──

const NOT_ROUTED: readonly (readonly [keyof ConnectionStatus, string])[] = [
  ["unknownName", "unknown name"],
  ["refused", "refused"],
  ["malformed", "malformed"],
  ["timedOut", "timed out"],
  ["clientGone", "client gone"],
  ["faults", "faults"],
  ["logLinesDropped", "log lines dropped"],
  ["logLinesLost", "log lines lost"],
];

export function listeners({ listeners: all, connections }: Status): Markup {
  const rows = all.map(
    ({ kind, address, connections: open, total }) =>
      html`<tr>
        <th scope="row">${kind}</th>
        <td><code>${address}</code></td>
        <td class="n">${count(open)}</td>
        <td class="n">${count(total)}</td>
      </tr>`,
  );
  const ends = NOT_ROUTED.filter(([key], at) => at < 6 || connections[key] > 0).map(
    ([key, words]) =>
      html`<div>
        <dt>${words}</dt>
        <dd>${count(connections[key])}</dd>
      </div>`,
  );
  return html`<section class="panel" aria-labelledby="h-l">
    <h2 id="h-l">Listeners</h2>
    <table>
      <caption class="unseen">
        Listeners
      </caption>
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th scope="col">Address</th>
          <th scope="col" class="n">Open</th>
          <th scope="col" class="n">In all</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <h3>Did not reach a node</h3>
    <dl class="ends">${ends}</dl>
  </section> `;
}

// ── names ──

export function unknownNames({ unknownNames: all }: Status): Markup {
  const rest = all.length - NAMES_SHOWN;
  const body =
    all.length === 0
      ? html`<p class="how">None: every name that clients asked for belongs to a cluster.</p>`
      : html`<table>
          <caption class="unseen">
            Names nobody serves
          </caption>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="n">Asked</th>
              <th scope="col">Last by</th>
            </tr>
          </thead>
          <tbody>
            ${all.slice(0, NAMES_SHOWN).map(nameRow)}
          </tbody>
        </table>`;
  const more = rest > 0 ? html`<p class="how"><a href="v1/status">${count(rest)} more in /v1/status</a></p>` : null;
  return html`<section class="panel" aria-labelledby="h-u">
    <h2 id="h-u">Names nobody serves</h2>
    ${body}${more}
  </section> `;
}

function nameRow({ name, listener, count: times, lastClient, lastTime, nearest }: UnknownName): Markup {
  const meant = nearest === null ? null : html`<small>perhaps <bdi>${nearest}</bdi></small>`;
  return html`<tr data-find>
    <th scope="row"><bdi>${name === "" ? "(no name)" : name}</bdi> <small class="tag">${listener}</small>${meant}</th>
    <td class="n">${count(times)}</td>
    <td><bdi${lastClient.length > 15 ? null : html` class="short"`}>${lastClient}</bdi> <small>${clock(lastTime)}</small></td>
  </tr> `;
}

// ── events ──

const SIGNS: Readonly<Record<LogLevel, string>> = { info: "·", warn: "!", error: "✕" };

export function events({ events: all }: Status): Markup {
  const newest = all.toReversed();
  const older = newest.slice(EVENTS_SHOWN, EVENTS_SHOWN + EVENTS_FOLDED);
  const fold =
    older.length === 0
      ? null
      : html`<details>
          <summary>${count(older.length)} older</summary>
          <ol class="events">
            ${older.map(eventRow)}
          </ol>
        </details>`;
  return html`<section class="panel" aria-labelledby="h-e">
    <h2 id="h-e">Recent events</h2>
    <ol class="events">
      ${newest.slice(0, EVENTS_SHOWN).map(eventRow)}
    </ol>
    ${fold}
  </section> `;
}

function eventRow({ time, level, message }: ControlEvent): Markup {
  const word = level === "info" ? null : html`<span class="unseen">${level === "warn" ? "warning" : level}: </span>`;
  return html`<li data-find data-log="${level}">
    ${clock(time)}<i aria-hidden="true">${SIGNS[level]}</i><span>${word}${message}</span>
  </li> `;
}

/** UTC until the script puts the viewer's own time there. */
function clock(iso: string): Markup {
  return html`<time datetime="${iso}" data-clock>${iso.slice(11, 19)}Z</time>`;
}
