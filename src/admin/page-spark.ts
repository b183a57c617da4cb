/** The last ten minutes as one line, drawn in SVG. */
import { html, raw, type Markup } from "./page-html.ts";

/** Steps of ten seconds in ten minutes; a younger series begins further right. */
const STEPS = 60;
/** Finer than the pixels it is drawn on. */
const HEIGHT = 48;
/** A line of two pixels must not be cut at the upper edge. */
const ROOM = 3;

/** @param label What a screen reader says in its place. */
export function sparkline(values: readonly number[], label: string): Markup {
  const shown = values.slice(-STEPS);
  const path = shown.length < 2 ? null : html`<path d="${raw(outline(shown))}" />`;
  return html`<svg
    class="spark"
    viewBox="0 0 ${STEPS - 1} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    ${path}
  </svg>`;
}

/** One shape for line and area; its other sides lie outside of what is shown. Steps are relative: that is half as long. */
function outline(values: readonly number[]): string {
  const most = Math.max(...values);
  const down = values.map((value) => Math.round(HEIGHT - (most === 0 ? 0 : (value / most) * (HEIGHT - ROOM))));
  const [first = HEIGHT] = down;
  const steps = down.slice(1).map((y, at) => `1${signed(y - (down[at] ?? y))}`);
  const left = STEPS - 1 - down.length;
  const below = HEIGHT + ROOM;
  return `M${left} ${below}V${first}h1l${steps.join(" ")}h1V${below}z`;
}

function signed(by: number): string {
  return by < 0 ? String(by) : ` ${by}`;
}
