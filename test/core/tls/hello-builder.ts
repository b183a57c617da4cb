/** Builds ClientHellos byte by byte, also wrong ones, for tests. */

export interface HelloParts {
  readonly version?: readonly number[];
  readonly sessionId?: readonly number[];
  readonly cipherSuites?: readonly number[];
  readonly compressions?: readonly number[];
  /** Null: the hello ends after the compression methods. */
  readonly extensions?: readonly (readonly number[])[] | null;
  /** Put behind the extensions, inside the message. */
  readonly trailing?: readonly number[];
}

export function text(ascii: string): number[] {
  return [...ascii].map((char) => char.charCodeAt(0));
}

function bytesOf(name: string | readonly number[]): readonly number[] {
  return typeof name === "string" ? text(name) : name;
}

export function vector(width: number, content: readonly number[]): number[] {
  const prefix = Array.from({ length: width }, (_, i) => (content.length >> (8 * (width - 1 - i))) & 0xff);
  return [...prefix, ...content];
}

export function extension(type: number, body: readonly number[]): number[] {
  return [type >> 8, type & 0xff, ...vector(2, body)];
}

/** server_name with one host_name per argument. */
export function serverName(...names: readonly (string | readonly number[])[]): number[] {
  const entries = names.flatMap((name) => [0].concat(vector(2, bytesOf(name))));
  return extension(0, vector(2, entries));
}

export function alpn(...protocols: readonly (string | readonly number[])[]): number[] {
  const entries = protocols.flatMap((name) => vector(1, bytesOf(name)));
  return extension(16, vector(2, entries));
}

/** The handshake message: type, length, content. */
export function message(parts: HelloParts = {}, type = 1): number[] {
  const extensions = parts.extensions === undefined ? [serverName("api.hub.lab")] : parts.extensions;
  const content = [
    ...(parts.version ?? [3, 3]),
    ...Array.from({ length: 32 }, (_, i) => i),
    ...vector(1, parts.sessionId ?? []),
    ...vector(2, parts.cipherSuites ?? [0x13, 0x01]),
    ...vector(1, parts.compressions ?? [0]),
    ...(extensions === null ? [] : vector(2, extensions.flat())),
    ...(parts.trailing ?? []),
  ];
  return [type, ...vector(3, content)];
}

export function record(content: readonly number[], type = 0x16, version: readonly number[] = [3, 1]): number[] {
  return [type, ...version, ...vector(2, content)];
}

/** The message in records whose contents have the given sizes; the last takes the rest. */
export function inRecords(content: readonly number[], ...sizes: readonly number[]): Uint8Array {
  const records: number[] = [];
  let at = 0;
  for (const size of sizes) {
    if (at >= content.length) break;
    for (const byte of record(content.slice(at, at + size))) records.push(byte);
    at += size;
  }
  if (at < content.length) for (const byte of record(content.slice(at))) records.push(byte);
  return Uint8Array.from(records);
}

/** A whole hello in one record. */
export function hello(...extensions: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(record(message({ extensions })));
}

/** A hello of exactly this many bytes in full records, filled with the padding extension (RFC 7685). */
export function helloOfSize(total: number): Uint8Array {
  const bare = message({ extensions: [serverName("api.hub.lab"), extension(21, [])] }).length;
  for (let records = 1; ; records++) {
    const content = total - 5 * records;
    if (content > records * 16_384) continue;
    const padding = extension(
      21,
      Array.from({ length: content - bare }, () => 0),
    );
    const sizes = Array.from({ length: records - 1 }, () => 16_384);
    return inRecords(message({ extensions: [serverName("api.hub.lab"), padding] }), ...sizes);
  }
}
