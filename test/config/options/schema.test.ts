import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { fileSchema } from "../../../src/config/options/schema.ts";
import { CLUSTER_KEYS } from "../../../src/config/options/cluster-options.ts";
import { TOP_OPTIONS } from "../../../src/config/options/options.ts";
import { edgeLb } from "../../cli/running.ts";
import { schemaFaults } from "./schema-faults.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const PAGES = [
  "README.md",
  ...readdirSync(`${ROOT}.github`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `.github/${name}`),
];
/** Blocks of YAML that are a file of edge-lb's. */
const FILES = PAGES.flatMap((page) => {
  const blocks = readFileSync(ROOT + page, "utf8").matchAll(/^```ya?ml\n([^]*?)^```$/gm);
  return [...blocks]
    .map(([, text = ""]) => text)
    .filter((text) => /^(clusters|listen|domain):/m.test(text))
    .map((text) => [page, text] as const);
});

describe("fileSchema()", () => {
  test("names every key, with its help", () => {
    const text = JSON.stringify(fileSchema());
    for (const { yaml, item, flag } of TOP_OPTIONS)
      if (yaml !== null) expect(text).toContain(`"${item ?? flag}":{"description":`);
    for (const [key, { yaml }] of CLUSTER_KEYS) if (yaml !== null) expect(text).toContain(`"${key}":{"description":`);
  });

  test("every kind of value has a form", () => {
    const free = [...TOP_OPTIONS, ...CLUSTER_KEYS.values()].filter(({ yaml, form }) => yaml !== null && form === null);
    expect(free.map(({ flag, item }) => `${flag} ${item}`)).toEqual([]);
  });

  test.each(FILES)("takes a file of %s: %s", (_, text) => {
    expect(schemaFaults(text)).toEqual([]);
  });

  test.each([
    "listen: { rke2: ':9345' }\nclusters: { hub: { nodes: 10.0.0.1, rke2: [10.0.0.2], rke2-port: 9345, rke2-names: '*', balance-rke2: source } }",
    "listen: { k0s-api: [':9443', ':9444'] }\ndefault: { k0s-api: hub, '*': hub }\nclusters: { hub: '10.0.0.1,k0s-api=10.0.0.2' }",
    "listen: { a: ':1' }\nclusters: { hub: { nodes: 10.0.0.1, a: none, a-port: 2 } }",
  ])("takes further services as edge-lb does: %s", async (text) => {
    expect(schemaFaults(text)).toEqual([]);
    const file = `domain: lab\n${text}`;
    expect(await edgeLb(["check", "-c", "edge.yaml"], { "edge.yaml": file })).toMatchObject({ code: 0, err: "" });
  });

  test.each([
    "clusters: { hub: { nodes: 10.0.0.1, rke2: 10.0.0.2 } }",
    "listen: { rke2: ':9345' }\nclusters: { hub: { nodes: 10.0.0.1, rke2-prot: 1 } }",
    "listen: { rke2: off }\nclusters: { hub: 10.0.0.1 }",
    "listen: { admin: ':1' }\nclusters: { hub: 10.0.0.1 }",
    "listen: { names: ':1' }\nclusters: { hub: 10.0.0.1 }",
    "listen: { ready: ':1' }\nclusters: { hub: 10.0.0.1 }",
    "listen: { balance-x: ':1' }\nclusters: { hub: 10.0.0.1 }",
    "listen: { x-port: ':1' }\nclusters: { hub: 10.0.0.1 }",
    "default: { rke2: hub }\nclusters: { hub: 10.0.0.1 }",
  ])("refuses further services as edge-lb does: %s", async (text) => {
    expect(schemaFaults(text)).not.toEqual([]);
    const file = `domain: lab\n${text}`;
    expect(await edgeLb(["check", "-c", "edge.yaml"], { "edge.yaml": file })).toMatchObject({ code: 2 });
  });

  test.each([
    "domian: lab",
    "clusters: { hub: { node: 10.0.0.1 } }",
    "clusters: { hub: { nodes: 10.0.0.300 } }",
    "clusters: { hub: 5 }",
    "clusters: [hub]",
    "timeouts: { helo: 5s }",
    "timeouts: { hello: 5 }",
    "listen: { api: 6443 }",
    "listen: { api: [] }",
    "rise: many",
    "engine: depo",
    "clusters: { -: 10.0.0.1 }",
    "[]",
  ])("refuses %s", (text) => {
    expect(schemaFaults(text)).not.toEqual([]);
  });
});

describe("schema", () => {
  test("prints it", async () => {
    const { code, out } = await edgeLb(["schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(fileSchema());
  });
});

describe("fileSchema() of listening addresses", () => {
  test.each([
    ['listen: { http: ":80000" }', false],
    ['listen: { http: ":65536" }', false],
    ['listen: { http: ":65535" }', true],
    ['listen: { http: "127.0.0.1:08080" }', true],
    ['listen: { admin: ":9000" }', false],
    ['listen: { control: ":9000" }', false],
    ['listen: { domain: ":9000" }', false],
    ['listen: { a-port: ":9000" }', false],
    ['listen: { a-names: ":9000" }', false],
    ['listen: { balance-a: ":9000" }', false],
    ['listen: { rke2: ":9345" }', true],
  ])("%s: %p", (file, isRight) => {
    expect(schemaFaults(file).length === 0).toBe(isRight);
  });
});
