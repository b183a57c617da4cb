/**
 * Who signs which cluster's certificates. First seen is believed: names alone prove nothing, since any machine can make itself
 * a certificate with them.
 */

/** What is signed: the API's certificates of a domain or of a name, or the ingress certificates of a domain. */
export type Subject = `${"api" | "ingress"} ${string}`;

/** A cluster that gets new authorities all the time is not one that can be told from others. */
const ISSUERS_MOST = 8;
/** More clusters than a lab ever had, over all its life; what is beyond is not remembered. */
export const SUBJECTS_MOST = 4_096;

/** By subject, oldest first. */
export type Issuers = ReadonlyMap<Subject, readonly string[]>;

/** @returns null: nobody was seen before */
export function isTrusted(issuers: Issuers, subject: Subject, issuer: string): boolean | null {
  return issuers.get(subject)?.includes(issuer) ?? null;
}

/** The same memory when nothing is new. */
export function withIssuer(issuers: Issuers, subject: Subject, issuer: string): Issuers {
  const known = issuers.get(subject) ?? [];
  if (known.includes(issuer) || known.length >= ISSUERS_MOST) return issuers;
  if (known.length === 0 && issuers.size >= SUBJECTS_MOST) return issuers;
  return new Map([...issuers, [subject, [...known, issuer]]]);
}

/** The one that most have; among equals the first. @param votes One per address. */
export function mostFrequent(votes: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const vote of votes) counts.set(vote, (counts.get(vote) ?? 0) + 1);
  let best: string | null = null;
  for (const [vote, count] of counts) if (count > (best === null ? 0 : (counts.get(best) ?? 0))) best = vote;
  return best;
}
