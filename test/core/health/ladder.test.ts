import { describe, expect, test } from "bun:test";
import {
  asksReadiness,
  higherRung,
  judge,
  rungsOf,
  type CheckMode,
  type Evidence,
  type Fault,
  type Rung,
} from "../../../src/core/health/ladder.ts";
import { reason, reasonText } from "../../../src/core/health/reasons.ts";
import type { ServiceName } from "../../../src/seam/services.ts";
import { service } from "../../support/built-in.ts";

const status = (code: number): Evidence => ({ got: "http", status: code });
const failed = (got: "nothing" | "tcp" | "tls", fault: Fault): Evidence => ({ got, fault, timeoutMs: 2000 });
const TLS: Evidence = { got: "tls", fault: null, timeoutMs: 2000 };
const TCP: Evidence = { got: "tcp", fault: null, timeoutMs: 2000 };
const refused = failed("nothing", "refused");
const silent = failed("nothing", "silent");
const alerted = failed("tcp", "alert");

interface Cell {
  readonly name: string;
  readonly kind: ServiceName;
  readonly mode?: CheckMode;
  readonly poolRung?: Rung;
  readonly ready?: Evidence;
  readonly own?: Evidence;
  readonly want: readonly [verdict: string, rung: Rung | null, words: string];
}

/** api and mcs ask on their own port: one connection is both. */
const both = (evidence: Evidence): { ready: Evidence; own: Evidence } => ({ ready: evidence, own: evidence });

const cells: readonly Cell[] = [
  { name: "a ready API server", kind: "api", ...both(status(200)), want: ["up", "readyz", "/readyz 200"] },
  {
    name: "an API server closed to anonymous",
    kind: "api",
    ...both(status(401)),
    want: ["up", "readyz", "/readyz 401, anonymous requests are off"],
  },
  {
    name: "forbidden to anonymous",
    kind: "api",
    ...both(status(403)),
    want: ["up", "readyz", "/readyz 403, anonymous requests are off"],
  },
  { name: "an API server that says no", kind: "api", ...both(status(500)), want: ["not-ready", null, "/readyz 500"] },
  { name: "a TLS server without /readyz", kind: "api", ...both(status(404)), want: ["up", "tls", "TLS handshake ok"] },
  {
    name: "/readyz gone where it was",
    kind: "api",
    poolRung: "readyz",
    ...both(status(404)),
    want: ["not-ready", null, "/readyz 404"],
  },
  { name: "TLS only", kind: "api", ...both(failed("tls", "garbage")), want: ["up", "tls", "TLS handshake ok"] },
  {
    name: "TLS only where readyz was",
    kind: "api",
    poolRung: "readyz",
    ...both(failed("tls", "silent")),
    want: ["dead", null, "no answer within 2s"],
  },
  {
    name: "alert-only on a new pool",
    kind: "api",
    ...both(alerted),
    want: ["not-ready", null, "TLS handshake refused"],
  },
  {
    name: "alert-only on a pool that rests on TCP",
    kind: "https",
    poolRung: "tcp",
    ready: refused,
    own: alerted,
    want: ["not-ready", null, "TLS handshake refused"],
  },
  {
    name: "alert-only where TLS was",
    kind: "api",
    poolRung: "tls",
    ...both(alerted),
    want: ["not-ready", null, "TLS handshake refused"],
  },
  {
    name: "alert-only where readyz was",
    kind: "api",
    poolRung: "readyz",
    ...both(alerted),
    want: ["not-ready", null, "TLS handshake refused"],
  },
  {
    name: "alert-only with check=tls",
    kind: "api",
    mode: "tls",
    own: alerted,
    want: ["not-ready", null, "TLS handshake refused"],
  },
  {
    name: "accept and hang",
    kind: "api",
    poolRung: "readyz",
    ...both(failed("tcp", "silent")),
    want: ["dead", null, "no answer within 2s"],
  },
  {
    name: "accept and hang on a new pool",
    kind: "api",
    ...both(failed("tcp", "silent")),
    want: ["dead", null, "no answer within 2s"],
  },
  {
    name: "accept and close",
    kind: "api",
    poolRung: "tls",
    ...both(failed("tcp", "closed")),
    want: ["dead", null, "closed without an answer"],
  },
  { name: "refused", kind: "api", ...both(refused), want: ["dead", null, "connection refused"] },
  { name: "check=tls", kind: "api", mode: "tls", own: TLS, want: ["up", "tls", "TLS handshake ok"] },
  { name: "check=tcp", kind: "api", mode: "tcp", own: TCP, want: ["up", "tcp", "TCP connect ok"] },
  {
    name: "check=readyz does not descend",
    kind: "api",
    mode: "readyz",
    ...both(status(404)),
    want: ["not-ready", null, "/readyz 404"],
  },
  {
    name: "a pool that rests on TLS, readiness not asked",
    kind: "api",
    poolRung: "tls",
    own: TLS,
    want: ["up", "tls", "TLS handshake ok"],
  },
  {
    name: "a pool that rests on TLS climbs",
    kind: "api",
    poolRung: "tls",
    ...both(status(200)),
    want: ["up", "readyz", "/readyz 200"],
  },
  { name: "machine-config server", kind: "mcs", ...both(status(200)), want: ["up", "healthz", "/healthz 200"] },
  { name: "a ready router", kind: "https", ready: status(200), want: ["up", "ready1936", "/healthz/ready 200"] },
  {
    name: "a ready router, port probed",
    kind: "https",
    ready: status(200),
    own: TLS,
    want: ["up", "ready1936", "/healthz/ready 200"],
  },
  {
    name: "a ready router whose port refuses",
    kind: "https",
    ready: status(200),
    own: refused,
    want: ["dead", null, "ready, but the traffic port refuses"],
  },
  {
    name: "a ready router that only alerts",
    kind: "https",
    ready: status(200),
    own: alerted,
    want: ["not-ready", null, "ready, but the traffic port refuses"],
  },
  {
    name: "a ready router, plain port",
    kind: "http",
    ready: status(200),
    own: TCP,
    want: ["up", "ready1936", "/healthz/ready 200"],
  },
  {
    name: "a router that says no",
    kind: "https",
    ready: status(500),
    own: TLS,
    want: ["not-ready", null, "/healthz/ready 500"],
  },
  { name: "no 1936 anywhere", kind: "https", ready: refused, own: TLS, want: ["up", "tls", "TLS handshake ok"] },
  {
    name: "no 1936 anywhere, plain port",
    kind: "http",
    ready: refused,
    own: TCP,
    want: ["up", "tcp", "TCP connect ok"],
  },
  {
    name: "1936 lost where it was, traffic port open",
    kind: "https",
    poolRung: "ready1936",
    ready: refused,
    own: TLS,
    want: ["not-ready", null, "readiness port does not answer, traffic port does"],
  },
  {
    name: "router gone",
    kind: "https",
    poolRung: "ready1936",
    ready: refused,
    own: refused,
    want: ["dead", null, "connection refused"],
  },
  {
    name: "node gone",
    kind: "http",
    poolRung: "ready1936",
    ready: silent,
    own: silent,
    want: ["dead", null, "no answer within 2s"],
  },
  {
    name: "a control plane asked for ingress",
    kind: "https",
    ready: refused,
    own: refused,
    want: ["dead", null, "connection refused"],
  },
];

describe("judge()", () => {
  test.each(cells.map((cell) => [cell.name, cell] as const))("%s", (_name, cell) => {
    const { outcome, rung } = judge(
      service(cell.kind),
      cell.mode ?? "auto",
      cell.poolRung ?? null,
      cell.ready ?? null,
      cell.own ?? null,
    );
    expect([outcome.verdict, rung, reasonText(outcome.reason)]).toEqual([...cell.want]);
  });

  test("a server that only alerts passes no rung, on any pool", () => {
    const kinds: readonly ServiceName[] = ["api", "https", "mcs"];
    const poolRungs: readonly (Rung | null)[] = [null, "tcp", "tls", "readyz", "healthz", "ready1936"];
    const modes: readonly CheckMode[] = ["auto", "readyz", "tls"];
    for (const kind of kinds) {
      for (const poolRung of poolRungs) {
        for (const mode of modes) {
          const { outcome, rung } = judge(service(kind), mode, poolRung, alerted, alerted);
          expect([outcome.verdict, rung]).toEqual(["not-ready", null]);
        }
      }
    }
  });
});

describe("rungsOf()", () => {
  test("asks nothing with check=off", () => {
    expect(rungsOf(service("api"), "off")).toEqual([]);
  });
  test("has a handshake and a connect where no readiness question is known", () => {
    const asked = { group: { ...service("api").group, readiness: null }, routedBy: "sni" } as const;
    expect((["auto", "readyz", "tls", "tcp"] as const).map((mode) => rungsOf(asked, mode))).toEqual([
      ["tls", "tcp"],
      ["tls"],
      ["tls"],
      ["tcp"],
    ]);
    expect(asksReadiness(asked, "auto", null, 0)).toBe(false);
  });
  test("has no handshake for plain HTTP", () => {
    expect(rungsOf(service("http"), "tls")).toEqual(["tcp"]);
    expect(rungsOf(service("http"), "auto")).toEqual(["ready1936", "tcp"]);
  });
});

describe("asksReadiness()", () => {
  test("always on the top rung, now and then below it", () => {
    expect(asksReadiness(service("api"), "auto", null, 5)).toBe(true);
    expect(asksReadiness(service("api"), "auto", "readyz", 5)).toBe(true);
    expect(asksReadiness(service("api"), "auto", "tls", 5)).toBe(false);
    expect(asksReadiness(service("api"), "auto", "tls", 12)).toBe(true);
    expect(asksReadiness(service("api"), "tls", null, 0)).toBe(false);
  });
});

describe("higherRung()", () => {
  test("keeps the better one", () => {
    expect(higherRung(null, "tcp")).toBe("tcp");
    expect(higherRung("readyz", "tls")).toBe("readyz");
    expect(higherRung("tcp", "tls")).toBe("tls");
    expect(higherRung("tls", null)).toBe("tls");
  });
});

describe("reasonText()", () => {
  const cases = [
    { cell: 0, want: "not checked yet" },
    { cell: reason("no answer within #", 1500), want: "no answer within 1.5s" },
    { cell: reason("no answer within #", 250), want: "no answer within 250ms" },
    { cell: reason("/readyz #", 200), want: "/readyz 200" },
    { cell: 255, want: "fails" },
  ];
  test.each(cases)("reads $want", ({ cell, want }) => {
    expect(reasonText(cell)).toBe(want);
  });
  test("fits a cell of the board", () => {
    const cell = reason("no answer within #", 1e12);
    expect(cell).toBeLessThan(2 ** 31);
    expect(new Int32Array([cell])[0]).toBe(cell);
  });
});
