/** Which key signed a certificate, as the certificate itself says: the key identifier of its authority. */

const SEQUENCE = 0x30;
const OBJECT_ID = 0x06;
const OCTETS = 0x04;
/** `extensions [3]` of TBSCertificate and `keyIdentifier [0]`. @see RFC 5280 §4.1, §4.2.1.1 */
const EXTENSIONS = 0xa3;
const KEY_ID = 0x80;
/** id-ce-authorityKeyIdentifier, 2.5.29.35 */
const AUTHORITY_KEY_ID = [0x55, 0x1d, 0x23];
/** SHA-1 gives 20 bytes, SHA-256 gives 32; more is nobody's. */
const KEY_ID_MOST = 64;

interface Element {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** @param der A certificate. @returns the key identifier in hex; null: it has none, or is no certificate */
export function authorityKey(der: Uint8Array): string | null {
  const certificate = first(der, SEQUENCE);
  const signed = certificate === null ? null : first(certificate, SEQUENCE);
  const wrapped = signed === null ? null : first(signed, EXTENSIONS);
  const extensions = wrapped === null ? null : first(wrapped, SEQUENCE);
  for (const extension of extensions === null ? [] : elements(extensions)) {
    const id = first(extension.body, OBJECT_ID);
    if (id?.length !== AUTHORITY_KEY_ID.length || !AUTHORITY_KEY_ID.every((byte, at) => id[at] === byte)) continue;
    const value = first(extension.body, OCTETS);
    const inner = value === null ? null : first(value, SEQUENCE);
    const key = inner === null ? null : first(inner, KEY_ID);
    return key === null || key.length === 0 || key.length > KEY_ID_MOST ? null : hex(key);
  }
  return null;
}

/** The content of the first element with this tag. */
function first(der: Uint8Array, tag: number): Uint8Array | null {
  for (const element of elements(der)) if (element.tag === tag) return element.body;
  return null;
}

/** Elements in a row; ends at the first that does not fit. */
function* elements(der: Uint8Array): Generator<Element> {
  for (let at = 0; at + 2 <= der.length;) {
    const tag = der[at] ?? 0;
    const short = der[at + 1] ?? 0;
    const width = short < 0x80 ? 0 : short & 0x7f;
    const start = at + 2 + width;
    if (short === 0x80 || width > 3 || start > der.length) return;
    let length = width === 0 ? short : 0;
    for (const byte of der.subarray(at + 2, start)) length = length * 256 + byte;
    if (start + length > der.length) return;
    yield { tag, body: der.subarray(start, start + length) };
    at = start + length;
  }
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
