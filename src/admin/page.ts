/** The status page: one response with everything in it, complete without its script, which only keeps it up to date. */
import { createHash } from "node:crypto";
import { CLUSTER_STATES, type ClusterState } from "../core/health/cluster-state.ts";
import type { Status } from "../control/status/report.ts";
import { clusterCards } from "./page-cards.ts";
import { html, raw, type Markup } from "./page-html.ts";
import { events, listeners, overview, unknownNames } from "./page-lists.ts";
import { pageScript } from "#page-script";
import { PAGE_STYLE } from "./page-style.ts";
import { LEVEL_WORDS, madeMs, many } from "./page-words.ts";

const SCRIPT = pageScript();
/** Not through the template, which may not change a byte of what the hashes are of. */
const CODE = raw(`<style>${PAGE_STYLE}</style><script>${SCRIPT}</script>`);
const BUILD = sha256(PAGE_STYLE + SCRIPT).slice(0, 12);

/** The Content-Security-Policy that goes with the page: its own style and script, data from where it came, and nothing else. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src 'sha256-${sha256(SCRIPT)}'`,
  `style-src 'sha256-${sha256(PAGE_STYLE)}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

/**
 * The whole page as HTML. Pure: the same status gives the same page.
 * @param status With `history`, else the charts are empty.
 */
export function renderPage(status: Status): string {
  const levels = status.clusters.map(({ state }) => state);
  const worst =
    (["down", "degraded", "waking", "asleep", "unknown"] as const).find((level) => levels.includes(level)) ?? "up";
  const page = html`<!doctype html>
    <html lang="en" data-build="${BUILD} ${status.started}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title(levels)}</title>
        <link id="icon" rel="icon" href="${icon(worst)}" />
        ${CODE}
      </head>
      <body>
        <a class="skip" href="#cards">Skip to the clusters</a>${top(status)}
        <main class="wrap">
          <div id="now">${overview(status)}</div>
          <h2 class="unseen">Clusters</h2>
          ${tools(levels)}
          <div class="cards" id="cards" tabindex="-1">${clusterCards(status)}</div>
          <p class="empty" id="empty" hidden>No cluster matches.</p>
          <div class="panels" id="panels" data-event="${status.events.at(-1)?.id ?? 0}">
            ${events(status)}${unknownNames(status)}${listeners(status)}
          </div>
        </main>
        ${foot(status)}
        <p id="news" class="unseen" role="status"></p>
      </body>
    </html> `;
  return page.markup;
}

/** Trouble first, as a browser's tab shows little. */
function title(levels: readonly ClusterState[]): string {
  const wrong = (["down", "degraded"] as const).flatMap((level) => {
    const amount = levels.filter((each) => each === level).length;
    return amount === 0 ? [] : [`${amount} ${level}`];
  });
  return wrong.length === 0 ? `edge-lb: ${many(levels.length, "cluster")}` : `${wrong.join(", ")} · edge-lb`;
}

const ICON_COLOURS: Readonly<Record<ClusterState, string>> = {
  up: "#12845c",
  degraded: "#c77700",
  down: "#c62f26",
  asleep: "#6b7585",
  waking: "#c77700",
  unknown: "#6b7585",
};
/** One line in, two lines out. */
const FORK = "M2 8h4c3 0 3-4 8-4M6 8c3 0 3 4 8 4";

function icon(worst: ClusterState): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="${ICON_COLOURS[worst]}"/><path d="${FORK}" fill="none" stroke="#fff" stroke-width="2"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function top({ release }: Status): Markup {
  return html`<header class="top">
    <div class="wrap">
      <div class="brand">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="${FORK}" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" />
        </svg>
        <h1>edge-lb</h1>
        <small>${release}</small>
      </div>
      <p id="live" class="live js-only" role="status">Connecting</p>
      <a class="no-js" href="./">Reload</a><button id="theme" class="js-only" type="button">Theme: auto</button>
    </div>
  </header>`;
}

/** Offered even when no cluster is so. */
const USUAL: ReadonlySet<ClusterState> = new Set(["up", "degraded", "down"]);

/** Search and filter; of no use without the script, and hidden then. */
function tools(levels: readonly ClusterState[]): Markup {
  const choice = (value: string, words: string, amount: number): Markup =>
    html`<label
      ><input type="radio" name="show" value="${value}" ${value === "all" ? html`checked` : null} />${words}
      <small>${amount}</small></label
    >`;
  const each = CLUSTER_STATES.filter((level) => USUAL.has(level) || levels.includes(level)).map((level) =>
    choice(level, LEVEL_WORDS[level].word, levels.filter((own) => own === level).length),
  );
  return html`<form id="tools" class="tools js-only" role="search">
    <label
      ><span class="unseen">Search clusters, nodes, names and events</span
      ><input id="q" type="search" placeholder="Search clusters, nodes, names" autocomplete="off" spellcheck="false"
    /></label>
    <fieldset>
      <legend class="unseen">Show clusters that are</legend>
      ${choice("all", "all", levels.length)}${each}
    </fieldset>
    <output id="shown"></output>
  </form>`;
}

function foot(status: Status): Markup {
  const made = new Date(madeMs(status)).toISOString();
  return html`<footer class="foot wrap" id="foot">
    <span>As of <time datetime="${made}" data-clock>${made.slice(0, 19).replace("T", " ")} UTC</time></span
    ><span>${many(status.clusters.length, "cluster")}</span><a href="v1/status">Status as JSON</a
    ><a href="metrics">Metrics</a><a href=";csv">HAProxy CSV</a>
  </footer>`;
}
