/** Certificates of toy clusters: a small authority per cluster, P-256 throughout because that is quick to make. */
import "reflect-metadata"; // @peculiar/x509 does not load without it
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

/** PEM texts of a key and its certificate. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What to put into a certificate. */
export interface CertificateRequest {
  /** DNS names of the subjectAltName; the first is the subject's common name too. */
  readonly names: readonly string[];
  /** Days from now until it ends; below 0: it has expired. @default 30 */
  readonly days?: number;
}

/** Signs certificates that a client with `ca` in hand accepts. */
export interface Authority {
  /** The authority's own certificate, PEM. */
  readonly ca: string;
  issue(request: CertificateRequest): Promise<Certificate>;
}

/** A new authority with its own key. */
export async function createAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name} toy authority`,
    keys,
    ...common(30),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    ca: ca.toString("pem"),
    issue: (request) => issue(ca, keys.privateKey, request),
  };
}

async function issue(
  ca: x509.X509Certificate,
  signingKey: CryptoKey,
  { names, days = 30 }: CertificateRequest,
): Promise<Certificate> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${names[0] ?? "nobody"}`,
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    ...common(days),
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(ca, false),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** Valid from a year ago, so that one which has expired still has a beginning before its end. */
function common(days: number): { notBefore: Date; notAfter: Date; signingAlgorithm: typeof ALGORITHM } {
  const now = Date.now();
  const [notBefore, notAfter] = [new Date(now - 365 * DAY_MS), new Date(now + days * DAY_MS)];
  return { notBefore, notAfter, signingAlgorithm: ALGORITHM };
}
