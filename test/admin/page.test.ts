/** The page as text: what it says, what it escapes, how large it is and what it costs. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "bun:test";
import { pagePolicy, renderPage } from "../../src/admin/page.ts";
import { pageScript } from "#page-script";
import { cluster, endpoint, NO_RATES, pool, sampleStatus } from "./page-sample.ts";

/** Text as a reader without styles sees it. */
function textOf(page: string): string {
  const body = page.slice(page.indexOf("<body>"));
  return body.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

/** What the browser would hash: everything between the tags. */
function hashOf(page: string, tag: string): string {
  const [, inside = ""] = page.match(new RegExp(`<${tag}>(.*?)</${tag}>`, "s")) ?? [];
  return createHash("sha256").update(inside).digest("base64");
}

describe("renderPage()", () => {
  test("says of every node what it is, why, since when and what it carries", () => {
    const node = endpoint({
      state: "dead",
      reason: "no answer within 2s",
      sinceSeconds: 187,
      active: 3,
      role: "given",
    });
    const text = textOf(renderPage(sampleStatus({ clusters: [cluster("hub", { pools: [pool("api", [node])] })] })));
    expect(text).toContain("dead 192.168.125.20 no answer within 2s 3 m 3 1.1 GB");
    expect(text).toContain("0 of 1 node up · leastconn · /readyz");
  });

  test("tells a router's two pools once where they agree, and apart where they do not", () => {
    const [fine, refused] = [endpoint(), endpoint({ state: "dead", reason: "connection refused" })];
    const same = textOf(
      renderPage(sampleStatus({ clusters: [cluster("a", { pools: [pool("https", [fine]), pool("http", [fine])] })] })),
    );
    const apart = textOf(
      renderPage(
        sampleStatus({ clusters: [cluster("a", { pools: [pool("https", [refused]), pool("http", [fine])] })] }),
      ),
    );
    expect(same.match(/up 192\.168\.125\.20/g)).toHaveLength(1);
    expect(apart).toMatch(/dead 192\.168\.125\.20 https connection refused/);
    expect(apart).toMatch(/up 192\.168\.125\.20 http \/readyz 200/);
    expect(apart).toMatch(/Ingress \S* ?https dead/);
  });

  test.each([
    ["up", "✓ up"],
    ["degraded", "! degraded"],
    ["down", "✕ down"],
    ["unknown", "? not checked"],
    ["asleep", "‖ asleep"],
    ["waking", "… waking"],
  ] as const)("a cluster that is %s gets its sign and word", (state, words) => {
    const page = renderPage(sampleStatus({ clusters: [cluster("hub", { state })] }));
    expect(page).toContain(`id="c-hub" data-level="${state}"`);
    expect(textOf(page)).toContain(words);
  });

  test("names what needs attention first, and in the title", () => {
    const page = renderPage(
      sampleStatus({
        clusters: [
          cluster("hub"),
          cluster("b", { state: "degraded", warnings: ["w"] }),
          cluster("c", { state: "down" }),
        ],
        reload: { done: 0, failed: 1, lastTime: null, lastError: 'clusters.yaml:3:1: Cannot use "x"', lastMs: 2 },
        names: [{ host: "worker-1.lab", addresses: [], error: "no such name" }],
      }),
    );
    expect(page).toContain("<title>1 down, 1 degraded · edge-lb</title>");
    expect(textOf(page)).toContain("c down, b degraded");
    expect(textOf(page)).toContain("The last reload changed nothing: clusters.yaml:3:1: Cannot use &quot;x&quot;");
    expect(textOf(page)).toContain("Cannot resolve worker-1.lab: no such name");
  });

  test("shows a certificate's last day, and that it is soon", () => {
    const ends = (day: string): string =>
      renderPage(
        sampleStatus({
          clusters: [cluster("a", { certificates: [{ family: "api", notAfter: `${day}T12:00:00.000Z` }] })],
        }),
      );
    expect(ends("2026-09-02")).toContain("certificate ends in 31 days");
    expect(ends("2026-08-05")).toMatch(/class="soon".*ends in 3 days/s);
    expect(ends("2026-07-30")).toMatch(/class="soon".*expired 3 days ago/s);
  });

  test("lists unknown names with count, last client and what was probably meant", () => {
    const text = textOf(renderPage(sampleStatus()));
    expect(text).toContain(
      "console-openshift-console.apps.managd0.linuxera.lab https perhaps console-openshift-console.apps.managed1.linuxera.lab 50 192.168.125.201",
    );
    expect(text).toContain("30 more in /v1/status");
  });

  test("a page without clusters, traffic, events or history is a page", () => {
    const { history: _, ...rest } = sampleStatus({
      clusters: [],
      unknownNames: [],
      events: [],
      listeners: [],
      rates: NO_RATES,
    });
    expect(renderPage(rest).trimEnd().endsWith("</html>")).toBe(true);
  });

  const HOSTILE = [
    `<script>alert(1)</script>`,
    `"><img src=x onerror=alert(1)>`,
    `' onmouseover='alert(1)`,
    `</title></style></script><svg onload=alert(1)>`,
    `javascript:alert(1)//`,
    `&lt;b onclick=alert(1)&gt;`,
  ];
  /** The text wherever somebody else may have chosen it. */
  function pageWith(text: string): string {
    const node = endpoint({ node: text, ip: text, reason: text, failures: 1 });
    const certificates = [{ family: text, notAfter: "2026-09-02T00:00:00Z" }];
    const pools = [pool("api", [node, endpoint({ ...node, role: "absent" })])];
    return renderPage(
      sampleStatus({
        release: text,
        file: text,
        clusters: [cluster(text, { domain: text, from: text, warnings: [text], pools, certificates })],
        listeners: [{ kind: "api", address: text, connections: 0, total: 0 }],
        unknownNames: [{ listener: "http", name: text, count: 1, lastClient: text, lastTime: text, nearest: text }],
        names: [{ host: text, addresses: [text], error: text }],
        events: [{ id: 1, time: text, level: "warn", event: text, message: text, fields: { text } }],
        reload: { done: 0, failed: 1, lastTime: null, lastError: text, lastMs: null },
      }),
    );
  }

  test.each(HOSTILE)("%j is text wherever a stranger can put it", (text) => {
    for (const link of linksOf(pageWith(text))) expect(link).toMatch(/^(#[\w.-]+|\.\/|v1\/status|metrics|;csv)$/);
    expect(skeletonOf(pageWith(text))).toEqual(skeletonOf(pageWith("a harmless text of some length")));
  });

  test("control characters and halves of characters are replaced", () => {
    const page = pageWith("a\u0000b\u001b[31mc\ud800d");
    expect(page.includes("a\u{FFFD}b\u{FFFD}[31mc\u{FFFD}d")).toBe(true);
    expect(/[\u0000\u001b]/.test(page)).toBe(false); // oxlint-disable-line no-control-regex -- they are what must not be there
  });

  test("three clusters with all there is to show stay below 60 KB", () => {
    expect(Buffer.byteLength(renderPage(sampleStatus()))).toBeLessThan(60_000);
  });

  test("a hundred clusters take less than 100 ms", () => {
    const status = sampleStatus({ clusters: Array.from({ length: 100 }, (_, at) => cluster(`cluster${at}`)) });
    renderPage(status);
    const best = Math.min(...[1, 2, 3].map(() => cpuMs(() => renderPage(status))));
    expect(best).toBeLessThan(100);
  });

  test("a cluster of 1,024 nodes folds all but the first away", () => {
    const many = Array.from({ length: 1_024 }, (_, at) =>
      endpoint({ node: `n${at}`, ip: `n${at}`, state: at === 1_000 ? "dead" : "up" }),
    );
    const page = renderPage(sampleStatus({ clusters: [cluster("big", { pools: [pool("api", many)] })] }));
    expect(page).toContain("1,012 more, 1 of them not up");
  });

  test("loads nothing from elsewhere", () => {
    expect(/(?:src|href|url\()=?["']?(?:https?:)?\/\//i.test(renderPage(sampleStatus()))).toBe(false);
  });
});

describe("pageScript()", () => {
  test("is one function that names nothing of the module around it, and ends no script tag", () => {
    const script = pageScript();
    expect(() => new Function(script)).not.toThrow();
    expect(script.startsWith("(function live()")).toBe(true);
    expect(script.includes("</")).toBe(false);
    expect(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/.test(script)).toBe(false);
  });
});

describe("pagePolicy", () => {
  test("allows the page's own script and style by their hashes and nothing else", () => {
    const page = renderPage(sampleStatus());
    expect(pagePolicy).toContain(`script-src 'sha256-${hashOf(page, "script")}'`);
    expect(pagePolicy).toContain(`style-src 'sha256-${hashOf(page, "style")}'`);
    for (const rule of [
      "default-src 'none'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
      expect(pagePolicy.split("; ")).toContain(rule);
    expect(pagePolicy).not.toContain("unsafe");
    expect(page).not.toMatch(/\sstyle="/);
  });
});

/** Every tag with the names of its attributes, without their values. */
function skeletonOf(page: string): readonly string[] {
  return (bodyOf(page).match(/<[^>]*>/g) ?? []).map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
}

function linksOf(page: string): readonly string[] {
  return [...bodyOf(page).matchAll(/href="([^"]*)"/g)].map(([, link = ""]) => link);
}

function bodyOf(page: string): string {
  return page.slice(page.indexOf("<body>"));
}

/** Time of this process alone: other tests may run beside it. */
function cpuMs(work: () => void): number {
  const from = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(from);
  return (user + system) / 1_000;
}
