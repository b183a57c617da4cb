/** What is served where: edge-lb's own services, and those of RKE2, k0s and Talos that it gets a further one for. */
import { furtherService, SERVICES, type NodeRole, type Service, type ServiceName } from "../../seam/services.ts";
import type { Entry } from "./entry.ts";

/** TLS by SNI, beside the API and for its names: joining of RKE2, konnectivity of k0s, apid and trustd of Talos. */
const FURTHER: ReadonlyMap<number, ServiceName> = new Map([
  [9_345, "rke2"],
  [8_132, "konnectivity"],
  [50_000, "talos"],
  [50_001, "trustd"],
]);

export function furtherAt(port: number): ServiceName | null {
  return FURTHER.get(port) ?? null;
}

export function builtInAt(port: number): ServiceName | null {
  return SERVICES.find((service) => service.port === port)?.name ?? null;
}

/** Nodes of which role serve it: of a further service the API's. */
export function roleFor(kind: ServiceName): NodeRole {
  return SERVICES.find(({ name }) => name === kind)?.role ?? "api";
}

export function isFurther(kind: ServiceName): boolean {
  return SERVICES.every(({ name }) => name !== kind);
}

/** The built-in ones, then the further ones that the source listens for, each with the port of its first listener. */
export function servicesOf(entries: readonly Pick<Entry, "kind" | "binds">[]): readonly Service[] {
  const kinds = [...new Set(entries.map(({ kind }) => kind).filter(isFurther))];
  const portOf = (kind: ServiceName): number => entries.find((entry) => entry.kind === kind)?.binds[0]?.port ?? 0;
  return [...SERVICES, ...kinds.map((kind, at) => furtherService(kind, SERVICES.length + at, portOf(kind)))];
}
