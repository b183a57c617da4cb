import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { canonicalHost, canonicalName } from "../../../src/core/route/canonical-name.ts";

const NAMES: readonly (readonly [string, string | null])[] = [
  ["api.hub.lab", "api.hub.lab"],
  ["API.Hub.LAB", "api.hub.lab"],
  ["api.hub.lab.", "api.hub.lab"],
  ["hub", "hub"],
  ["my_app.apps.hub.lab", "my_app.apps.hub.lab"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["-a-.lab", "-a-.lab"],
  ["1.2.3.4", "1.2.3.4"],
  [`${"a".repeat(63)}.lab`, `${"a".repeat(63)}.lab`],
  [`${"a".repeat(64)}.lab`, null],
  [`${"a.".repeat(126)}a`, `${"a.".repeat(126)}a`],
  [`${"a.".repeat(126)}a.`, `${"a.".repeat(126)}a`],
  [`${"a.".repeat(126)}ab`, null],
  ["", null],
  [".", null],
  ["..", null],
  ["a..b", null],
  [".a", null],
  ["a.lab..", null],
  ["*.apps.hub.lab", null],
  ["a b", null],
  ["a:443", null],
  ["a/b", null],
  ["b\u00fccher.example", null],
  ["\u212aube.lab", null], // the Kelvin sign, which toLowerCase() turns into k
  ["a\n", null],
  ["a\0b", null],
];

const HOSTS: readonly (readonly [string, string | null])[] = [
  ["console.apps.hub.lab", "console.apps.hub.lab"],
  ["Console.Apps.HUB.lab", "console.apps.hub.lab"],
  ["console.apps.hub.lab:80", "console.apps.hub.lab"],
  ["console.apps.hub.lab.:8080", "console.apps.hub.lab"],
  ["console.apps.hub.lab.", "console.apps.hub.lab"],
  ["console.apps.hub.lab:", "console.apps.hub.lab"],
  ["a:00080", "a"],
  ["a:65535", "a"],
  ["a:65536", null],
  ["a:000080", null],
  ["a:-1", null],
  ["a:+80", null],
  ["a:8o", null],
  ["a: 80", null],
  ["a:80:80", null],
  ["my_app.hub.lab", "my_app.hub.lab"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["192.168.125.20:80", "192.168.125.20"],
  ["a..b", "a..b"], // reg-name allows it; it is an unknown name
  ["a,b", "a,b"],
  ["%41pi.hub", "%41pi.hub"],
  ["%4", null],
  ["%zz", null],
  ["", null],
  [".", null],
  [":80", null],
  ["a b", null],
  [" a", null],
  ["a ", null],
  ["a\t", null],
  ["a\0", null],
  ["a\r", null],
  ["user@a", null],
  ["a/b", null],
  ["a?b", null],
  ["a#b", null],
  ["a\\b", null],
  ["a<b>", null],
  ['a"b', null],
  ["a|b", null],
  ["http://a", null],
  ["b\u00fccher.example", null],
  ["\u212a.lab", null],
  ["[::1]", "[::1]"],
  ["[::1]:80", "[::1]"],
  ["[2001:DB8::1]:8080", "[2001:db8::1]"],
  ["[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]"],
  ["[::1]:", "[::1]"],
  ["[::1", null],
  ["::1", null],
  ["[]", null],
  ["[::1]x", null],
  ["[::1].", null],
  ["[::1]:x", null],
  ["[1.2.3.4]", null],
  ["[fe80::1%25eth0]", null],
  ["[v1.a:b]", null],
  ["a[::1]", null],
];

describe("canonicalName()", () => {
  test.each([...NAMES])("of %p is %p", (text, want) => expect(canonicalName(text)).toBe(want));
});

describe("canonicalHost()", () => {
  test.each([...HOSTS])("of %p is %p", (text, want) => expect(canonicalHost(text)).toBe(want));

  test("keeps every name with any port", () => {
    const label = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_"), minLength: 1, maxLength: 20 });
    const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join("."));
    fc.assert(
      fc.property(name, fc.constantFrom("", "."), fc.option(fc.nat(65_535)), (text, dot, port) => {
        expect(canonicalHost(`${text}${dot}${port === null ? "" : `:${port}`}`)).toBe(canonicalName(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test("gives its own answer again", () => {
    const unit = fc.constantFrom(..."aB0.:[]%-_@/ 4f,");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 24 }), (text) => {
        const host = canonicalHost(text);
        if (host !== null && !host.endsWith(".")) expect(canonicalHost(host)).toBe(host);
      }),
      { numRuns: 5_000 },
    );
  });
});
