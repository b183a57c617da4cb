import { describe, expect, test } from "bun:test";
import { httpDate } from "../../../src/core/http/date.ts";
import { badRequest, redirect, unavailable, unknownHost } from "../../../src/core/http/replies.ts";
import { escapeHtml, renderReply } from "../../../src/core/http/reply.ts";
import { textOf } from "../../../scripts/fuzz/session-lab.ts";

const WALL = Date.UTC(2026, 10, 23, 20, 46, 0);

describe("renderReply()", () => {
  test("tells programs in plain text", () => {
    expect(textOf(renderReply(unknownHost("x.lab", null), "text", false, WALL))).toBe(
      "HTTP/1.1 404 Not Found\r\nDate: Mon, 23 Nov 2026 20:46:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\n" +
        "Content-Length: 172\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n" +
        "404 Not Found\nNo cluster answers to the name x.lab.\n" +
        "Look for a typing mistake, or give the name to a cluster (key names); edge-lb explain x.lab shows how names are routed.\n",
    );
  });

  test("shows browsers a page in which nothing is markup but its own", () => {
    const page = textOf(renderReply(unknownHost(`<b>"&'`, null), "html", false, WALL));
    expect(page).toContain("Content-Type: text/html");
    expect(page).toContain("&lt;b&gt;&quot;&amp;&#39;");
    expect(page).not.toContain("<b>");
  });

  test("gives JSON to who asks for it", () => {
    const text = textOf(renderReply(unavailable(['Cluster "hub" is down.'], "node down", null), "json", false, WALL));
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n")))).toEqual({
      status: 503,
      error: "Service Unavailable",
      message: 'Cluster "hub" is down.',
    });
    expect(text).toContain("\r\nRetry-After: 5\r\n");
  });

  test("sends HEAD the length without the body", () => {
    const text = textOf(renderReply(redirect(301, "https://x.lab/"), "text", true, WALL));
    expect(text.endsWith("\r\n\r\n")).toBe(true);
    expect(text).toContain("\r\nLocation: https://x.lab/\r\n");
    expect(text).toMatch(/Content-Length: [1-9]/);
  });

  test("counts bytes, not characters", () => {
    const text = renderReply(unavailable(["Zürich – 東京 𝄞"], "node down", null), "text", false, WALL);
    const body = new TextDecoder().decode(text).split("\r\n\r\n")[1] ?? "";
    expect(textOf(text)).toContain(`Content-Length: ${new TextEncoder().encode(body).length}\r\n`);
  });

  test("names the methods that pass in a 405", () => {
    expect(textOf(renderReply(badRequest("connect"), "text", false, WALL))).toContain("\r\nAllow: GET, ");
  });
});

describe("escapeHtml()", () => {
  test("leaves nothing that opens a tag, an entity or an attribute", () => {
    expect(escapeHtml(`<a href="x" b='y'>&`)).toBe("&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
  });
});

describe("httpDate()", () => {
  test("agrees with Date for every day of four centuries", () => {
    for (let day = 0; day < 146_097; day += 13) {
      const ms = day * 86_400_000 + ((day * 7_919_000) % 86_400_000);
      expect(httpDate(ms)).toBe(new Date(ms).toUTCString());
    }
  });
});
