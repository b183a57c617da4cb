/** What every exported Kubernetes object has, and names that Kubernetes takes. */

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly [field: string]: unknown;
}

/** A Service's name is one DNS label. RFC 1035 §2.3.1 */
const LABEL_MOST = 63;

/** Names of objects, one for every text, each a DNS label that begins with a letter and no other text has. */
export class ObjectNames {
  private readonly taken = new Set<string>();

  of(text: string): string {
    const plain = text.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-");
    const label = (/^[a-z]/.test(plain) ? plain : `c-${plain}`).slice(0, LABEL_MOST).replace(/-+$/, "");
    let name = label;
    for (let count = 2; this.taken.has(name); count++) {
      const tail = `-${count}`;
      name = `${label.slice(0, LABEL_MOST - tail.length)}${tail}`;
    }
    this.taken.add(name);
    return name;
  }
}
