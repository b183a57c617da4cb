/** What is inside the program, as CycloneDX: npm's own list, with the runtime that the executable holds. */
import { join } from "node:path";
import { NAME, type Release, VERSION } from "./release.ts";
import { textOf } from "./run.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** A tool for npm, and part of every executable. */
const RUNTIME = "bun";
const DEVELOPMENT = "cdx:npm:package:development";

interface Component {
  readonly name: string;
  readonly "bom-ref": string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bom {
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component; readonly timestamp: string };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** @returns the list's file name */
export async function makeSbom({ out, time }: Release): Promise<string> {
  const text = textOf(
    ["npm", "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"],
    {
      cwd: ROOT,
    },
  );
  const file = `${NAME}-${VERSION}.cdx.json`;
  await Bun.write(join(out, file), `${JSON.stringify(shipped(JSON.parse(text), time), null, 2)}\n`);
  return file;
}

/** Without the tools that only the sources need; npm names the whole after the folder it lies in. */
export function shipped(bom: Bom, time: number): Bom {
  const components = bom.components.filter((one) => one.name === RUNTIME || !isTool(one)).map(asShipped);
  const kept = new Set([bom.metadata.component, ...components].map((one) => one["bom-ref"]));
  const dependencies = bom.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }));
  const component = { ...bom.metadata.component, name: NAME };
  const timestamp = new Date(time * 1_000).toISOString();
  const list = { ...bom, metadata: { ...bom.metadata, timestamp, component }, components, dependencies };
  return { ...list, serialNumber: serialOf({ ...list, serialNumber: "" }) };
}

/** npm draws one at random; of the same list it is the same here. */
function serialOf(list: Bom): string {
  const hex = new Bun.CryptoHasher("sha256").update(JSON.stringify(list)).digest("hex");
  const parts = /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/.exec(hex)?.slice(1) ?? [];
  const [a, b, c, d, e] = parts;
  return `urn:uuid:${a}-${b}-8${c}-8${d}-${e}`; // version 8 of RFC 9562: made of what its maker chose
}

function isTool({ properties = [] }: Component): boolean {
  return properties.some(({ name, value }) => name === DEVELOPMENT && value === "true");
}

function asShipped(component: Component): Component {
  const { properties = [] } = component;
  return { ...component, properties: properties.filter(({ name }) => name !== DEVELOPMENT) };
}
