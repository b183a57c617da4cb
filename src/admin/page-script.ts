/**
 * What the page does in a browser: it fetches itself and moves the differences into what is shown, so that there is one
 * renderer, on the server, and nothing a stranger named is ever turned into markup here. Without it the page reads the same,
 * once. The function is written out with `toString()`: it may name nothing outside itself.
 */

/** As it stands between the script tags; its hash is in the policy. */
export function pageScript(): string {
  return `(${live.toString()})()`.replace(/\n\s+/g, "\n"); // no text in it spans lines
}

function live(): void {
  /** While something happens; and otherwise. A page that is slow to take in is fetched less often. */
  const LEAST_MS = 1_000;
  const CALM_MS = 2_000;
  /** After an event: what the server tells may be a second old, and one event seldom comes alone. */
  const BUSY_MS = 5_000;
  const PATIENCE = 20;
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  let theme = stored() ?? "auto";
  let timer = 0;
  let fetchedMs = 0;
  let slowMs = 0;
  let busyUntilMs = 0;
  let stream: EventSource | null = null;
  let lastEvent = 0;
  let news: string[] = [];

  root.classList.add("js");
  root.dataset["theme"] = theme;
  addEventListener("DOMContentLoaded", start);

  function start(): void {
    const { q, show } = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    search().value = q ?? "";
    for (const choice of choices()) if (choice.value === show) choice.checked = true;
    element("tools").addEventListener("input", () => {
      remember();
      filter();
    });
    element("tools").addEventListener("submit", (event) => event.preventDefault());
    element("theme").addEventListener("click", nextTheme);
    lastEvent = newestEvent(document);
    sayTheme();
    localTimes(document);
    filter();
    document.addEventListener("visibilitychange", attend);
    attend();
  }

  // ── fetch and show ──

  /** Work only while somebody looks. */
  function attend(): void {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") {
      stream?.close();
      stream = null;
      return;
    }
    stream ??= listen();
    plan();
  }

  function plan(): void {
    clearTimeout(timer);
    const now = performance.now();
    const pauseMs = Math.max(now < busyUntilMs ? LEAST_MS : CALM_MS, slowMs);
    timer = window.setTimeout(() => void look(), Math.max(0, fetchedMs + pauseMs - now));
  }

  async function look(): Promise<void> {
    fetchedMs = performance.now();
    try {
      const answer = await fetch("./", { cache: "no-store", signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(answer.statusText);
      const text = await answer.text();
      const before = performance.now();
      show(new DOMParser().parseFromString(text, "text/html"));
      slowMs = PATIENCE * (performance.now() - before);
      say("on", "Live");
    } catch {
      say("lost", "No answer from edge-lb; this is what it said last");
    }
    if (document.visibilityState === "visible") plan();
  }

  function show(page: Document): void {
    if (page.documentElement.dataset["build"] !== root.dataset["build"]) {
      location.reload(); // started anew: its script and style may be others, its events count from 1
      return;
    }
    localTimes(page);
    for (const id of ["now", "cards", "panels", "foot"]) morph(element(id), page.getElementById(id) ?? element(id));
    copyAttributes(element("icon"), page.getElementById("icon") ?? element("icon"));
    document.title = page.title;
    filter();
  }

  /** Make one element like another, keeping what is already right: focus, selection and open folds stay. */
  function morph(have: Element, want: Element): void {
    if (have.isEqualNode(want)) return;
    copyAttributes(have, want);
    let at: ChildNode | null = have.firstChild;
    for (const next of want.childNodes) {
      const known = keyed(have, next) ?? at;
      if (known === null || !alike(known, next)) {
        have.insertBefore(document.importNode(next, true), at);
        continue;
      }
      if (known === at) at = at.nextSibling;
      else have.insertBefore(known, at);
      if (known instanceof Element && next instanceof Element) morph(known, next);
      else if (known.nodeValue !== next.nodeValue) known.nodeValue = next.nodeValue;
    }
    while (at !== null) {
      const gone: ChildNode = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function keyed(parent: Element, next: ChildNode): ChildNode | null {
    const found = next instanceof Element && next.id !== "" ? document.getElementById(next.id) : null;
    return found?.parentElement === parent ? found : null;
  }

  function alike(a: ChildNode, b: ChildNode): boolean {
    if (!(a instanceof Element && b instanceof Element)) return a.nodeType === b.nodeType;
    return a.nodeName === b.nodeName && a.id === b.id;
  }

  /** `open` and `hidden` belong to the viewer. */
  function copyAttributes(have: Element, want: Element): void {
    for (const name of have.getAttributeNames())
      if (name !== "open" && name !== "hidden" && !want.hasAttribute(name)) have.removeAttribute(name);
    for (const { name, value } of want.attributes)
      if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  }

  // ── events ──

  function listen(): EventSource {
    const source = new EventSource(`v1/events?after=${lastEvent}`);
    source.addEventListener("open", () => say("on", "Live"));
    source.addEventListener("log", (event) => {
      const { id, message, level } = JSON.parse(event.data);
      if (id <= lastEvent) return;
      lastEvent = id;
      if (level !== "info" || news.length === 0) news.push(String(message));
      busyUntilMs = performance.now() + BUSY_MS;
      plan();
      setTimeout(announce, LEAST_MS);
    });
    return source;
  }

  /** What happened within a second is read out together, and no more than somebody can listen to. */
  function announce(): void {
    if (news.length === 0) return;
    const more = news.length > 3 ? `; and ${news.length - 3} more` : "";
    element("news").textContent = news.slice(0, 3).join("; ") + more;
    news = [];
  }

  function newestEvent(page: Document): number {
    return Number(page.getElementById("panels")?.dataset["event"] ?? 0);
  }

  function say(state: string, words: string): void {
    const at = element("live");
    if (at.dataset["live"] === state) return;
    at.dataset["live"] = state;
    at.textContent = words;
  }

  // ── filter ──

  function filter(): void {
    const terms = search().value.toLowerCase().split(/\s+/).filter(Boolean);
    const level = choices().find(({ checked }) => checked)?.value ?? "all";
    const counts = new Map<string, number>();
    let [shown, all] = [0, 0];
    for (const item of document.querySelectorAll<HTMLElement>("[data-find]")) {
      const text = terms.length === 0 ? "" : (item.textContent ?? "").toLowerCase();
      const found = terms.every((term) => text.includes(term));
      const own = item.dataset["level"];
      item.hidden = !(found && (own === undefined || level === "all" || own === level));
      if (own === undefined) continue;
      all += 1;
      if (!item.hidden) shown += 1;
      if (found) counts.set(own, (counts.get(own) ?? 0) + 1);
    }
    for (const { value, parentElement } of choices()) {
      const sum = value === "all" ? [...counts.values()].reduce((a, b) => a + b, 0) : (counts.get(value) ?? 0);
      setText(parentElement?.querySelector("small") ?? null, String(sum));
    }
    element("empty").hidden = shown > 0 || all === 0;
    setText(element("shown"), shown === all ? "" : `${shown} of ${all} clusters`);
  }

  function remember(): void {
    const words = new URLSearchParams();
    const level = choices().find(({ checked }) => checked)?.value ?? "all";
    if (search().value !== "") words.set("q", search().value);
    if (level !== "all") words.set("show", level);
    const hash = words.toString();
    history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
  }

  function search(): HTMLInputElement {
    return document.querySelector("#q") ?? document.createElement("input");
  }

  function choices(): HTMLInputElement[] {
    return [...document.querySelectorAll<HTMLInputElement>("input[name=show]")];
  }

  // ── looks ──

  function nextTheme(): void {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
    root.dataset["theme"] = theme;
    try {
      localStorage.setItem("edge-lb-theme", theme);
    } catch {} // a browser that keeps nothing still changes its looks
    sayTheme();
  }

  function stored(): string | null {
    try {
      return localStorage.getItem("edge-lb-theme");
    } catch {
      return null;
    }
  }

  function sayTheme(): void {
    setText(element("theme"), `Theme: ${theme}`);
  }

  /** The viewer's own clock in place of UTC. */
  function localTimes(page: Document): void {
    for (const at of page.querySelectorAll<HTMLTimeElement>("time[data-clock]"))
      at.textContent = new Date(at.dateTime).toLocaleTimeString([], { hour12: false });
  }

  function setText(at: Element | null, text: string): void {
    if (at !== null && at.textContent !== text) at.textContent = text;
  }

  function element(id: string): HTMLElement {
    return document.getElementById(id) ?? document.createElement("div");
  }
}
