/** Which names edge-lb answers for: those of the clusters whose domain is known, read off the snapshot. Pure. */

/** What there is at a name. */
export type Found =
  /** Addresses, and nothing else. */
  | { readonly kind: "host"; readonly zone: string }
  /** The name exists, without addresses: a domain, or what lies between it and a host. */
  | { readonly kind: "empty"; readonly zone: string }
  | { readonly kind: "none"; readonly zone: string }
  /** Somebody else's. */
  | { readonly kind: "elsewhere" };

/** Names that clusters claim; a snapshot is one. */
export interface ClaimedNames {
  readonly exact: readonly { readonly name: string }[];
  /** Without the star. */
  readonly below: readonly { readonly name: string }[];
}

export class Zones {
  /** Where zones begin: each domain D, and each name that lies in no domain. */
  readonly names: ReadonlySet<string>;
  private readonly exact: ReadonlySet<string>;
  private readonly below: ReadonlySet<string>;
  /** Names without addresses that have hosts below them. */
  private readonly between = new Set<string>();

  constructor({ exact, below }: ClaimedNames) {
    this.exact = new Set(exact.map(({ name }) => name));
    this.below = new Set(below.map(({ name }) => name));
    const domains = [...this.below].flatMap((name) => this.domainOf(name) ?? []);
    const names = new Set(domains);
    for (const name of [...this.exact, ...this.below]) if (zoneOf(name, names) === null) names.add(name);
    this.names = names;
    for (const name of [...this.exact, ...this.below, ...names]) this.noteAncestors(name);
  }

  /** @param name Lower case, no trailing dot. */
  find(name: string): Found {
    const zone = zoneOf(name, this.names);
    if (zone === null) return { kind: "elsewhere" };
    if (this.exact.has(name) || this.isBelow(name)) return { kind: "host", zone };
    return { kind: this.between.has(name) ? "empty" : "none", zone };
  }

  /** A name in the zone that has addresses: its name server. */
  serverOf(zone: string): string {
    if (this.exact.has(`api.${zone}`)) return `api.${zone}`;
    return this.exact.has(zone) ? zone : `ns.${zone}`;
  }

  /** `apps.D` is of a domain that has `api.D` too; a `*.apps.shop` that somebody wrote makes nobody own shop. */
  private domainOf(name: string): string | null {
    const domain = name.startsWith("apps.") ? name.slice("apps.".length) : "";
    return this.exact.has(`api.${domain}`) ? domain : null;
  }

  private isBelow(name: string): boolean {
    for (const parent of parentsOf(name)) if (this.below.has(parent)) return true;
    return false;
  }

  private noteAncestors(name: string): void {
    if (!this.exact.has(name)) this.between.add(name);
    for (const parent of parentsOf(name)) {
      if (zoneOf(parent, this.names) === null) return;
      if (!this.exact.has(parent)) this.between.add(parent);
    }
  }
}

/** The longest zone that holds the name. */
function zoneOf(name: string, zones: ReadonlySet<string>): string | null {
  if (zones.has(name)) return name;
  for (const parent of parentsOf(name)) if (zones.has(parent)) return parent;
  return null;
}

/** `b.c` and `c` of `a.b.c`. */
function* parentsOf(name: string): Generator<string> {
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) yield name.slice(dot + 1);
}
