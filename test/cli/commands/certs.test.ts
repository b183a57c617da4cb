import { describe, expect, test } from "bun:test";
import { certificatesText } from "../../../src/cli/commands/certs.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const API = { cluster: "hub", family: "api", node: "a.lab", ip: "10.0.0.1", identity: "proven" } as const;

describe("certificatesText()", () => {
  test("has the first to expire first, and says who shows what", () => {
    const text = certificatesText(
      [
        { ...API, names: ["api.hub.lab"], notAfter: "2027-01-08T12:00:00.000Z" },
        { ...API, node: "b.lab", names: ["a", "b", "c", "d", "e"], notAfter: "2026-11-28T00:00:00.000Z" },
        {
          ...API,
          family: "ingress",
          names: ["*.apps.x.lab"],
          notAfter: "2026-11-29T17:30:00.000Z",
          identity: "foreign",
        },
      ],
      NOW,
    );
    expect(text).toBe(
      "CLUSTER  SHOWN BY  NODE   UNTIL       LEFT     NAMES\n" +
        "hub      api       b.lab  2026-11-28  expired  a, b, c, 2 more\n" +
        "hub      ingress   a.lab  2026-11-29  5h       *.apps.x.lab (another cluster's)\n" +
        "hub      api       a.lab  2027-01-08  40d      api.hub.lab\n",
    );
  });

  test("says when there is none", () => {
    expect(certificatesText([], NOW)).toBe("no node has shown a certificate yet\n");
  });
});
