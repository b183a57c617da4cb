/** AlertDescription values, RFC 8446 §6 and the registry: those that edge-lb sends. */
const DESCRIPTIONS = {
  handshake_failure: 40,
  access_denied: 49,
  decode_error: 50,
  protocol_version: 70,
  internal_error: 80,
  unrecognized_name: 112,
} as const;

export type TlsAlert = keyof typeof DESCRIPTIONS;

/** AlertLevel fatal: the connection ends. */
const FATAL = 2;

/**
 * One fatal alert as a TLS record, for a client whose handshake has not been answered yet.
 * The record says version 3.3: OpenSSL, BoringSSL, rustls and Go read any 3.x before a version is negotiated, and TLS 1.3
 * fixes 3.3 for every record but the first hello.
 * @see RFC 8446 §5.1 (record), §6 (alert protocol)
 */
export function tlsAlert(alert: TlsAlert): Uint8Array {
  return Uint8Array.of(0x15, 3, 3, 0, 2, FATAL, DESCRIPTIONS[alert]);
}
