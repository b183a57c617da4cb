import { describe, expect, test } from "bun:test";
import { Ajv } from "ajv";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { exportGatewayApi } from "../../../src/migrate/export/gateway-api.ts";
import { command } from "../../../scripts/lab/command.ts";
import { SCHEMAS } from "../../fixtures/gateway-api.ts";
import { edgeLb } from "../../cli/running.ts";
import { loadFlags } from "../fixtures.ts";
import { CONFIGS, load } from "./configs.ts";

const OPTIONS = { namespace: "edge", gatewayClass: "istio" };
const ajv = new Ajv({ strict: true, strictTypes: false });
const validators = new Map(Object.entries(SCHEMAS).map(([kind, schema]) => [kind, ajv.compile(schema)]));

interface Written {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  // read by tests, each of which knows what it asks for
  readonly [field: string]: any; // oxlint-disable-line typescript/no-explicit-any
}

function objectsIn(text: string): readonly Written[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Written);
}

function written(...words: readonly string[]): { objects: readonly Written[]; notes: readonly string[] } {
  const { text, notes } = exportGatewayApi(loadFlags(words), OPTIONS);
  return { objects: objectsIn(text), notes };
}

const named = (objects: readonly Written[], kind: string, name: string): Written | undefined =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

describe("exportGatewayApi()", () => {
  test.each([...CONFIGS])("writes what the published definitions take: %s", (_, words) => {
    const objects = objectsIn(exportGatewayApi(load(words), OPTIONS).text);
    for (const object of objects) {
      const validate = validators.get(object.kind);
      if (validate === undefined) throw new Error(`no definition of ${object.kind}`);
      expect([object.kind, object.metadata.name, validate(object) ? null : validate.errors]).toEqual([
        object.kind,
        object.metadata.name,
        null,
      ]);
    }
    const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test("leads every name of a service to its nodes", () => {
    const { objects, notes } = written(
      "--cluster",
      "hub=10.0.0.1-2,ingress=10.0.0.8,[fd00::8],domain=hub.lab,names=*.shop.lab,https-port=8443",
    );
    const refs = (sectionName: string) => [{ name: "edge-lb", sectionName }];
    expect(named(objects, "TLSRoute", "hub-api")?.["spec"]).toEqual({
      parentRefs: refs("api"),
      hostnames: ["api.hub.lab", "api-int.hub.lab"],
      rules: [{ backendRefs: [{ name: "hub-api", port: 6443 }] }],
    });
    expect(named(objects, "TLSRoute", "hub-https")?.["spec"].hostnames).toEqual(["*.apps.hub.lab", "*.shop.lab"]);
    expect(named(objects, "HTTPRoute", "hub-http")?.["spec"].parentRefs).toEqual(refs("http"));
    const slices = objects.filter(({ kind }) => kind === "EndpointSlice");
    expect(
      slices
        .filter(({ metadata }) => metadata.name.startsWith("hub-https"))
        .map(({ addressType, endpoints, ports }) => [
          addressType,
          endpoints.map((e: Written) => e["addresses"][0]),
          ports[0].port,
        ]),
    ).toEqual([
      ["IPv4", ["10.0.0.8"], 8443],
      ["IPv6", ["fd00::8"], 8443],
    ]);
    expect(notes).toEqual([]);
  });

  test("has a listener for every port of a service, and passes TLS through", () => {
    const { objects } = written("--cluster", "hub=10.0.0.1,domain=hub.lab", "--listen", "https=:443,:8443");
    const { listeners, gatewayClassName } = named(objects, "Gateway", "edge-lb")?.["spec"] ?? {};
    expect(gatewayClassName).toBe("istio");
    expect(listeners.map((each: Written) => [each["name"], each["port"], each["protocol"], each["tls"]?.mode])).toEqual(
      [
        ["api", 6443, "TLS", "Passthrough"],
        ["https", 443, "TLS", "Passthrough"],
        ["https-8443", 8443, "TLS", "Passthrough"],
        ["http", 80, "HTTP", undefined],
      ],
    );
    expect(named(objects, "TLSRoute", "hub-https")?.["spec"].parentRefs).toHaveLength(2);
  });

  test("redirects where redirect-https is on", () => {
    const { objects } = written("--cluster", "hub=10.0.0.1,domain=hub.lab,redirect-https=on");
    expect(named(objects, "HTTPRoute", "hub-http")?.["spec"].rules).toEqual([
      { filters: [{ type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } }] },
    ]);
  });

  test.each([
    [["--cluster", "hub=10.0.0.1"], "Cluster hub has no domain"],
    [["--cluster", "hub=a.lab,domain=hub.lab"], "Cluster hub has nodes given by name"],
    [["--cluster", "hub=10.0.0.1,domain=hub.lab,allow=10.0.0.0/8"], "allow of hub is left out"],
    [["--cluster", "hub=10.0.0.1,domain=hub.lab,send-proxy=v2"], "send-proxy is left out"],
  ])("says what could not come along: %p", (words, note) => {
    expect(written(...words).notes).toEqual([expect.stringContaining(note)]);
  });

  test.each([
    [["--default", "hub"], "default (hub on api, hub on https, hub on http) is left out"],
    [["--accept-proxy", "10.9.9.9"], "accept-proxy is left out"],
    [["--max-connections", "500"], "max-connections is left out"],
    [["--max-connections-per-client", "50"], "max-connections-per-client is left out"],
    [["--listen", "https=192.0.2.1:443"], "listen is left out"],
    [["--cluster", "a=10.0.0.2,domain=a.lab,clients=10.0.0.0/24"], "clients (a) is left out"],
    [["--cluster", "a=10.0.0.2,domain=a.lab,max-connections=5"], "max-connections (a) is left out"],
    [["--cluster", "a=10.0.0.2,domain=a.lab,balance-https=roundrobin"], "balance (a) is left out"],
  ])("says which settings could not: %p", (words, note) => {
    const { notes } = written("--cluster", "hub=10.0.0.1,domain=hub.lab", ...words);
    expect(notes).toEqual([expect.stringContaining(note)]);
  });

  test("has a route without hostnames for a cluster that takes the rest of port 80, and says that TLS cannot", () => {
    const { objects, notes } = written("--cluster", "only=10.0.0.1,names=*,api-names=*");
    expect(named(objects, "HTTPRoute", "only-http")?.["spec"]).toEqual({
      parentRefs: [{ name: "edge-lb", sectionName: "http" }],
      rules: [{ backendRefs: [{ name: "only-http", port: 80 }] }],
    });
    expect(objects.filter(({ kind }) => kind === "TLSRoute")).toEqual([]);
    expect(notes).toEqual([
      "Cluster only has no domain: api.* and *.apps.* names are left out; give it domain= or --domain",
      expect.stringContaining('"*" of only is left out on api'),
      expect.stringContaining('"*" of only is left out on https'),
    ]);
  });

  test("quotes what YAML 1.1 reads as something else", () => {
    const { text } = exportGatewayApi(loadFlags(["--cluster", "hub=10.0.0.1,domain=hub.lab"]), {
      ...OPTIONS,
      namespace: "on",
    });
    expect(text).toContain('name: "on"');
    expect(text).not.toMatch(/: on$/m);
  });

  test("writes names that Kubernetes takes, each once", () => {
    const { objects } = written(
      "--cluster",
      "9.lab=10.0.0.1",
      "--cluster",
      "a.b=10.0.0.2",
      "--cluster",
      `a-b=10.0.0.3,domain=${"x".repeat(60)}.lab`,
    );
    const services = objects.filter(({ kind }) => kind === "Service").map(({ metadata }) => metadata.name);
    expect(services).toContain("c-9-lab-api");
    expect(services).toContain("a-b-api");
    expect(services).toContain("a-b-api-2");
  });

  test("is read by kubectl", async () => {
    const folder = mkdtempSync(join(tmpdir(), "edge-lb-gateway-"));
    try {
      const { text } = exportGatewayApi(loadFlags(ARTICLE), OPTIONS);
      writeFileSync(join(folder, "edge.yaml"), text);
      writeFileSync(join(folder, "kustomization.yaml"), "resources: [edge.yaml]\n");
      const { code, out, err } = await command(["kubectl", "kustomize", folder], {});
      expect([code, err]).toEqual([0, ""]);
      expect(objectsIn(out)).toHaveLength(objectsIn(text).length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const ARTICLE = ["--domain", "linuxera.lab"].concat(
  ["hub-cluster=192.168.125.20-25", "managed1=192.168.125.30-35", "managed2=192.168.125.40-45"].flatMap((spec) => [
    "--cluster",
    spec,
  ]),
);

describe("edge-lb export", () => {
  const PAIR = ["--vip", "10.0.0.5/24", "--interface", "br0", "--peer", "10.0.0.1", "--peer", "10.0.0.2"];

  test("gateway-api prints YAML on stdout and what is left out on stderr", async () => {
    const { code, out, err } = await edgeLb(["export", "gateway-api", "--cluster", "hub=10.0.0.1,names=shop.lab"]);
    expect([code, err]).toEqual([0, expect.stringMatching(/^edge-lb: Cluster hub has no domain: .*\n$/)]);
    expect(objectsIn(out).map(({ kind }) => kind)).toContain("TLSRoute");
  });

  test("keepalived writes one machine's half of a pair", async () => {
    const [first, second] = await Promise.all([
      edgeLb(["export", "keepalived", ...PAIR]),
      edgeLb(["export", "keepalived", ...PAIR.slice(0, 4), "--peer", "10.0.0.2", "--peer", "10.0.0.1"]),
    ]);
    const line = (text: string, word: string) => new RegExp(`^ *${word} (.*)$`, "m").exec(text)?.[1];
    const facts = (text: string) =>
      ["unicast_src_ip", "virtual_router_id", "priority", "state"].map((w) => line(text, w));
    expect(facts(first.out)).toEqual(["10.0.0.1", "5", "101", "BACKUP"]);
    expect(facts(second.out)).toEqual(["10.0.0.2", "5", "100", "BACKUP"]);
    expect(first.out).toContain("10.0.0.5/24 dev br0");
    expect(first.out).toContain('script "/usr/local/bin/edge-lb healthcheck"');
  });

  test.each([
    [[], "Cannot export without --vip"],
    [PAIR.slice(0, 6), "1 --peer found, 2 wanted"],
    [[...PAIR, "--peer", "10.0.0.3"], "3 --peer found, 2 wanted"],
    [[...PAIR.slice(0, 6), "--peer", "10.0.0.1"], "both --peer are 10.0.0.1"],
    [[...PAIR.slice(0, 6), "--peer", "fd00::1"], "one family wanted"],
    [[...PAIR.slice(0, 6), "--peer", "10.0.0.5"], "Cannot share 10.0.0.5: it is a --peer"],
    [["--vip", "10.0.0.5", ...PAIR.slice(2)], "an address with the length of its network"],
    [["--vip", "10.0.0.5/33", ...PAIR.slice(2)], "an address with the length of its network"],
    [[...PAIR.slice(0, 2), "--interface", "br 0", ...PAIR.slice(4)], "the name of an interface"],
  ])("keepalived refuses %p", async (words, message) => {
    const { code, err, out } = await edgeLb(["export", "keepalived", ...words]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
  });

  test("refuses options of another target", async () => {
    const { code, err } = await edgeLb(["export", "nginx", "--cluster", "hub=10.0.0.1", "--vip", "10.0.0.5/24"]);
    expect([code, err]).toEqual([2, "edge-lb: Cannot use --vip: export nginx does not take it (USAGE)\n"]);
  });
});
