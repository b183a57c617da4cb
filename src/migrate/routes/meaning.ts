/** What a pattern of the source means in names of edge-lb. */
import { readDomain } from "../../config/values/names.ts";
import type { ServiceName } from "../../seam/services.ts";
import { roleFor } from "./services.ts";

/** A rule by the first label after `api` or `apps`, whatever follows. */
export interface LabelName {
  readonly kind: "api" | "apps";
  readonly label: string;
}

export type FaultCode =
  | "unanchored-end"
  | "unanchored-start"
  | "any-character"
  | "no-boundary"
  | "one-label"
  | "case"
  | "literal-star"
  | "substring"
  | "prefix"
  | "host-port";

export interface Fault {
  readonly code: FaultCode;
  readonly why: string;
}

/** A pattern as edge-lb understands it. */
export interface Meaning {
  /** `shop.lab`, `*.shop.lab`. */
  readonly names: readonly string[];
  readonly labels: readonly LabelName[];
  readonly faults: readonly Fault[];
  /** Whether a name is meant, once the faults are corrected. */
  readonly means: (name: string) => boolean;
  /** Whether the source takes a name, faults and all. */
  readonly takes: (name: string) => boolean;
}

/** What a meaning is before its faults have examples. */
export type Draft = Pick<Meaning, "names" | "labels" | "faults">;

export function isName(text: string): boolean {
  const reading = readDomain(text);
  return reading.ok && reading.value === text;
}

/** `api.hub` and `api.hub.`, `.apps.hub.` and `apps.hub`: a cluster by its first label. */
export function labelName(text: string): LabelName | null {
  const [, kind = "", label] = /^\.?(api|api-int|apps)\.([a-z0-9-]+)\.?$/.exec(text) ?? [];
  if (label === undefined) return null;
  return { kind: kind === "apps" ? "apps" : "api", label };
}

/** A name that a pattern is meant for. */
export function sampleOf(pattern: string): string {
  return pattern.startsWith("*.") ? `www${pattern.slice(1)}` : pattern;
}

/** Stands for a domain that a label rule leaves open. */
export const ANY_DOMAIN = "lab.example";

export function sampleOfLabel({ kind, label }: LabelName): string {
  return kind === "api" ? `api.${label}.${ANY_DOMAIN}` : `www.apps.${label}.${ANY_DOMAIN}`;
}

export function matchesName(pattern: string, name: string): boolean {
  return pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length : name === pattern;
}

/** The label rule, as the route table has it. */
export function matchesLabel({ kind, label }: LabelName, name: string): boolean {
  if (kind === "apps") return new RegExp(`^.+\\.apps\\.${label}\\..+$`).test(name);
  return name.startsWith(`api.${label}.`) || name.startsWith(`api-int.${label}.`);
}

/** D of `api.D` and `api-int.D` on the API's listeners, of `*.apps.D` and `x.apps.D` on the others; null for other names. */
export function domainOf(name: string, kind: ServiceName): string | null {
  if (roleFor(kind) === "api") return /^(?:api|api-int)\.(.+)$/.exec(name)?.[1] ?? null;
  return /(?:^|\.)apps\.(.+)$/.exec(name)?.[1] ?? null;
}
