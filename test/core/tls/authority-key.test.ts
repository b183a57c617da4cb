import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { createAuthority } from "../../../scripts/lab/toy/certificate.ts";
import { authorityKey } from "../../../src/core/tls/authority-key.ts";

describe("authorityKey()", async () => {
  const authority = await createAuthority("hub");
  const { cert } = await authority.issue({ names: ["api.hub.lab"] });
  const der = new Uint8Array(new X509Certificate(cert).raw);

  test("is the same for every certificate of one authority, and another one for another", async () => {
    const key = authorityKey(der);
    expect(key).toMatch(/^[0-9a-f]{40}$/);
    const more = await authority.issue({ names: ["b"] });
    expect(authorityKey(new Uint8Array(new X509Certificate(more.cert).raw))).toBe(key);
    const other = await (await createAuthority("hub")).issue({ names: ["api.hub.lab"] });
    expect(authorityKey(new Uint8Array(new X509Certificate(other.cert).raw))).not.toBe(key);
  });

  test("is nothing for a certificate without one", () => {
    expect(authorityKey(new Uint8Array(new X509Certificate(authority.ca).raw))).toBeNull();
  });

  test("is a key or nothing for every prefix and for changed bytes, and always ends", () => {
    for (let length = 0; length < der.length; length++) expect(authorityKey(der.subarray(0, length))).toBeNull();
    for (let at = 0; at < der.length; at++) {
      const changed = der.slice();
      changed[at] = createHash("sha256").update(String(at)).digest()[0] ?? 0;
      expect(authorityKey(changed) ?? "00").toMatch(/^([0-9a-f]{2}){1,64}$/);
    }
  });
});
