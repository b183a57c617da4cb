/** One card per cluster. */
import type { ClusterStatus, Status } from "../control/status/report.ts";
import type { History, Rates } from "../control/status/rates.ts";
import { html, type Markup } from "./page-html.ts";
import { nodeTables } from "./page-nodes.ts";
import { sparkline } from "./page-spark.ts";
import { bytes, count, daysBetween, LEVEL_WORDS, madeMs, many, rate, shortDuration } from "./page-words.ts";
import { SERVICES } from "../seam/services.ts";

/** Below this a certificate that nobody renewed is worth looking at; OpenShift renews its own a month ahead. */
const SOON_DAYS = 14;
const TITLES: ReadonlyMap<string, string> = new Map(SERVICES.map(({ group }) => [group.name, group.title]));

export function clusterCards(status: Status): readonly Markup[] {
  const nowMs = madeMs(status);
  return status.clusters.map((cluster) => card(cluster, nowMs));
}

/** The anchor of a cluster's card. */
export function cardId(name: string): string {
  return `c-${name.replace(/[^\w.-]/g, "-")}`;
}

function card(cluster: ClusterStatus, nowMs: number): Markup {
  const { state: level, sinceSeconds } = cluster;
  const { sign, word } = LEVEL_WORDS[level];
  const id = cardId(cluster.name);
  return html`<article class="card" id="${id}" data-level="${level}" data-find aria-labelledby="${id}-h">
    <header>
      <div>
        <h3 id="${id}-h">${cluster.name}</h3>
        <p class="domain">${domainWords(cluster)}</p>
      </div>
      <p class="level" data-level="${level}">
        <i aria-hidden="true">${sign}</i>${word} <small>${shortDuration(sinceSeconds)}</small>
      </p>
    </header>
    ${cluster.warnings.length === 0 ? null : warnings(cluster.warnings)}${trafficCharts(cluster.name, cluster.rates, cluster.history)}
    ${nodeTables(cluster)}
    <footer>
      ${facts(cluster)}${cluster.certificates.map(({ family, notAfter }) => certificate(family, notAfter, nowMs))}
    </footer>
  </article> `;
}

function domainWords({ domain, learnt }: ClusterStatus): Markup {
  if (domain === null) return html`domain not known yet: names are matched by label`;
  return html`<bdi>${domain}</bdi>${learnt ? html` <small class="tag">learnt from its certificate</small>` : null}`;
}

function warnings(texts: readonly string[]): Markup {
  return html`<ul class="warnings" aria-label="Warnings">
    ${texts.map((text) => html`<li><i aria-hidden="true">!</i><span>${text}</span></li>`)}
  </ul> `;
}

/** Connections and bytes a second, now and over ten minutes. */
export function trafficCharts(of: string, rates: Rates, history: History | undefined): Markup {
  const connections = history?.connections ?? [];
  const both = connections.map((_, at) => (history?.bytesUp[at] ?? 0) + (history?.bytesDown[at] ?? 0));
  const most = (values: readonly number[]): number => Math.max(0, ...values);
  return html`<div class="charts">
    <div>
      <p><b>${rate(rates.connections)}</b> connections/s</p>
      ${sparkline(connections, `${of}: connections per second in the last ten minutes, at most ${rate(most(connections))}`)}
    </div>
    <div>
      <p>
        <b>${bytes(rates.bytesDown)}/s</b> <span aria-hidden="true">↓</span><span class="unseen">to clients,</span>
        <b>${bytes(rates.bytesUp)}/s</b> <span aria-hidden="true">↑</span><span class="unseen">to nodes</span>
      </p>
      ${sparkline(both, `${of}: bytes per second in the last ten minutes, at most ${bytes(most(both))}`)}
    </div>
  </div>`;
}

function facts({ active, total, bytesUp, bytesDown, maxConnections, layer, from }: ClusterStatus): Markup {
  const limit = maxConnections === 0 ? "" : ` of ${count(maxConnections)}`;
  return html`<p>
    <b>${count(active)}</b>${limit} active · <b>${count(total)}</b> in all · ${bytes(bytesDown)} down, ${bytes(bytesUp)}
    up · ${originOf(layer, from)}
  </p>`;
}

/** Where to change it: a place in the file; a flag is long, and its layer says enough. */
function originOf(layer: string, from: string): string {
  return layer === "file" && from !== "" ? `from ${from}` : `from ${layer}`;
}

function certificate(family: string, notAfter: string, nowMs: number): Markup {
  const days = daysBetween(nowMs, notAfter);
  const day = notAfter.slice(0, 10);
  const words = days < 0 ? `expired ${many(-days, "day")} ago` : `ends in ${many(days, "day")}`;
  const soon = days < SOON_DAYS;
  return html`<p${soon ? html` class="soon"` : null}>${soon ? html`<i aria-hidden="true">!</i>` : null}${TITLES.get(family) ?? family} certificate ${words} <small>(<time datetime="${day}">${day}</time>)</small></p>`;
}
