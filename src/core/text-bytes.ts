/** Text to bytes; `core` has neither TextEncoder nor Buffer. */

/** Bytes of an ASCII text; other characters become `?`. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    bytes[i] = code < 128 ? code : 0x3f;
  }
  return bytes;
}

/** UTF-8; a lone surrogate becomes U+FFFD, as TextEncoder has it. For short texts. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0;
    const code = point >= 0xd8_00 && point <= 0xdf_ff ? 0xff_fd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x8_00) bytes.push(0xc0 | (code >> 6), trail(code));
    else if (code < 0x1_00_00) bytes.push(0xe0 | (code >> 12), trail(code >> 6), trail(code));
    else bytes.push(0xf0 | (code >> 18), trail(code >> 12), trail(code >> 6), trail(code));
  }
  return Uint8Array.from(bytes);
}

function trail(bits: number): number {
  return 0x80 | (bits & 0x3f);
}
