/** The last ten minutes as one line, drawn in SVG. */
import { html, raw, type Markup } from "./page-html.ts";

/** Steps of ten seconds in ten minutes; a younger series begins further right. */
const STEPS = 60;
const HEIGHT = 24;
/** A line of two pixels must not be cut at the edges. */
const ROOM = 2;

/** @param label What a screen reader says in its place. */
export function sparkline(values: readonly number[], label: string): Markup {
  const shown = values.slice(-STEPS);
  const most = Math.max(...shown, 0);
  const first = STEPS - shown.length;
  const high = (value: number): number =>
    most === 0 ? HEIGHT - ROOM : Math.round((HEIGHT - ROOM - (value / most) * (HEIGHT - 2 * ROOM)) * 10) / 10;
  const line = shown.map((value, at) => `${first + at} ${high(value)}`).join(" ");
  const last = STEPS - 1;
  const paths =
    shown.length < 2
      ? null
      : html`<path class="area" d="M${first} ${HEIGHT} ${raw(line)} ${last} ${HEIGHT}z" /><path
            class="line"
            d="M${raw(line)}"
          />`;
  return html`<svg
    class="spark"
    viewBox="0 0 ${last} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    ${paths}
  </svg>`;
}
