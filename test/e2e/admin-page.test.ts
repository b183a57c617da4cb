/** The status page of a running edge-lb in a real browser: three clusters, one of which loses a node. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { type Lab, startLab } from "../../scripts/lab/lab.ts";
import { freePorts } from "../../scripts/lab/ports.ts";
import { program } from "../../scripts/lab/programs.ts";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
const [DESKTOP, PHONE] = [
  { width: 1440, height: 1000 },
  { width: 390, height: 844 },
];
/** The card of a cluster whose node is killed has to say so within this. */
const SEEN_MS = 3_000;

let lab: Lab;
let browser: Browser;
let url = "";
/** What every page complained about; nothing may. */
const complaints: string[] = [];

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  await page.goto(url);
  if (options.javaScriptEnabled !== false) await page.getByText("Live", { exact: true }).waitFor();
  return page;
}

async function within(options: BrowserContextOptions, look: (page: Page) => Promise<void>): Promise<void> {
  const page = await open(options);
  try {
    await look(page);
  } finally {
    await page.context().close();
  }
}

beforeAll(async () => {
  const [port = 0] = await freePorts(1);
  url = `http://127.0.0.1:${port}/`;
  const args = ["--interval", "1s", "--admin", `127.0.0.1:${port}`];
  lab = await startLab({ block: "127.92.0", processes: true, args });
  browser = await chromium.launch({ executablePath: program("chromium"), args: [...FLAGS, ...QUIET] });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await lab?.stop();
}, 30_000);
tests();

function tests(): void {
  describe("the status page", () => {
    test("shows three clusters that are up", async () => {
      await within({}, async (page) => {
        await page.locator('.card[data-level="up"]').nth(2).waitFor();
        expect(await page.locator(".card h3").allTextContents()).toEqual(["hub", "managed1", "managed2"]);
        expect(await page.title()).toBe("edge-lb: 3 clusters");
      });
    }, 30_000);

    test("without JavaScript it says the same, and offers nothing that would not work", async () => {
      await within({ javaScriptEnabled: false }, async (page) => {
        expect(await page.locator(".card").count()).toBe(3);
        expect(await page.getByText("127.92.0.20").first().isVisible()).toBe(true);
        expect(await page.getByRole("searchbox").isVisible()).toBe(false);
        expect(await page.getByRole("link", { name: "Reload" }).isVisible()).toBe(true);
      });
    }, 30_000);

    test.each([
      ["light", DESKTOP],
      ["dark", DESKTOP],
      ["light", PHONE],
      ["dark", PHONE],
    ] as const)(
      "in %s at %j: no violation that axe finds, nothing wider than the window",
      async (colorScheme, viewport) => {
        await within({ colorScheme, viewport }, async (page) => {
          expect(await violations(page)).toEqual([]);
          const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          expect(widths[0]).toBe(widths[1]);
        });
      },
      60_000,
    );

    test("finds by text and by state, and keeps that in its address", async () => {
      await within({}, async (page) => {
        const names = (): Promise<string[]> => page.locator(".card:visible h3").allTextContents();
        await page.getByRole("searchbox").fill("managed 127.92.0.41");
        expect(await names()).toEqual(["managed2"]);
        expect(await page.locator("#shown").textContent()).toBe("1 of 3 clusters");
        await page.getByRole("radio", { name: "down" }).check({ force: true });
        expect(await names()).toEqual([]);
        expect(await page.getByText("No cluster matches.").isVisible()).toBe(true);
        await page.reload();
        expect(await page.getByRole("searchbox").inputValue()).toBe("managed 127.92.0.41");
        expect(await names()).toEqual([]);
      });
    }, 30_000);

    test("the theme button goes through auto, light and dark, and is remembered", async () => {
      await within({ colorScheme: "light" }, async (page) => {
        const back = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const light = await back();
        for (const theme of ["light", "dark"]) await clickTheme(page, theme);
        const dark = await back();
        expect(dark).not.toBe(light);
        await page.reload();
        expect(await back()).toBe(dark);
        await clickTheme(page, "auto");
        expect(await back()).toBe(light);
      });
    }, 30_000);

    test("everything works with the keyboard, in reading order, and updates leave the focus alone", async () => {
      await within({}, async (page) => {
        const focused = (): Promise<string> =>
          page.evaluate(() => {
            const at = document.activeElement;
            return at instanceof HTMLInputElement ? at.value || at.type : (at?.textContent ?? "");
          });
        const reached: string[] = [];
        for (let n = 0; n < 4; n++) {
          await page.keyboard.press("Tab");
          reached.push(await focused());
        }
        expect(reached).toEqual(["Skip to the clusters", "Theme: auto", "search", "all"]);
        await page.keyboard.press("ArrowRight");
        expect(await focused()).toBe("up");
        const drawn = await page.evaluate(() => {
          const label = document.activeElement?.parentElement;
          return label === null || label === undefined ? "" : getComputedStyle(label).outlineStyle;
        });
        expect(drawn).toBe("solid");
        await updated(page, 2);
        expect(await focused()).toBe("up");
      });
    }, 30_000);

    test("asks once a second at most, and not at all while nobody looks", async () => {
      await within({}, async (page) => {
        const asked: number[] = [];
        page.on("request", (request) => {
          if (request.url() === url) asked.push(performance.now());
        });
        await updated(page, 4);
        const gaps = asked.slice(1).map((at, n) => at - (asked[n] ?? 0));
        expect(Math.min(...gaps)).toBeGreaterThan(900);
        await page.evaluate(() => {
          Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        });
        await page.waitForLoadState("networkidle");
        const before = asked.length;
        const other = await open(); // lives through as many updates in the meantime
        await updated(other, 2);
        await other.context().close();
        expect(asked.length).toBe(before);
      });
    }, 30_000);

    test(`says within ${SEEN_MS} ms that a node was killed, without a reload, and that it is back`, async () => {
      await within({}, async (page) => {
        await page.evaluate(() => document.body.setAttribute("data-same-page", ""));
        const card = page.locator("#c-managed1");
        let took = Number.POSITIVE_INFINITY;
        // whatever else this machine does makes some of them longer
        for (let kill = 0; kill < 4 && took >= SEEN_MS; kill++) {
          const answer = await lab.curl("managed1", "http", "/");
          const { node } = JSON.parse(answer.out) as { node: string };
          const ip = `127.92.0.${node.split("-").at(-1)}`;
          const from = performance.now();
          await lab.clusters.managed1.nodes.find((each) => each.ip === ip)?.kill();
          await lab.curl("managed1", "http", "/"); // a client notices before the next probe
          await card.locator('tr[data-state="dead"]', { hasText: ip }).first().waitFor({ timeout: 30_000 });
          took = performance.now() - from;
          expect(await card.getAttribute("data-level")).toBe("degraded");
          expect(await page.title()).toBe("1 degraded · edge-lb");
          await page.locator("#news", { hasText: `managed1: http down on ${ip}` }).waitFor({ state: "attached" });
          expect(await violations(page)).toEqual([]);
          await lab.clusters.managed1.restart(ip);
          await page.locator('#c-managed1[data-level="up"]').waitFor({ timeout: 60_000 });
          expect(await page.locator("body[data-same-page]").count()).toBe(1);
        }
        expect(took).toBeLessThan(SEEN_MS);
      });
    }, 300_000);

    test("tells a name that nobody serves, as text", async () => {
      await within({}, async (page) => {
        await fetch(`http://127.0.0.1:${lab.ports.http}/`, { headers: { host: "console.apps.managd1.linuxera.lab" } });
        const row = page.locator("#panels tr", { hasText: "console.apps.managd1.linuxera.lab" });
        await row.waitFor();
        expect(await row.textContent()).toMatch(/http.*perhaps.*managed1\.linuxera\.lab.*1.*127\.0\.0\.1/s);
      });
    }, 30_000);

    test("no page had anything to complain of", () => {
      expect(complaints).toEqual([]);
    });

    test("says when edge-lb answers no more", async () => {
      await within({}, async (page) => {
        await lab.edge.stop();
        await page.getByText("No answer from edge-lb").waitFor({ timeout: 15_000 });
        expect(await page.locator(".card").count()).toBe(3);
      });
    }, 30_000);
  });
}

async function clickTheme(page: Page, wanted: string): Promise<void> {
  await page.locator("#theme").click();
  expect(await page.locator("#theme").textContent()).toBe(`Theme: ${wanted}`);
}

/** Waits until the page has shown so many newer answers. */
async function updated(page: Page, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const before = await page.locator("#foot time").getAttribute("datetime");
    await page.waitForFunction((old) => document.querySelector("#foot time")?.getAttribute("datetime") !== old, before);
  }
}

/** What axe finds, a line for each; its source is evaluated, as the page's policy admits no script of others. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")} ${failureSummary}`),
  );
}
