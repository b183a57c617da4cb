import { describe, expect, test } from "bun:test";
import { dnsText, type DnsOptions } from "../../../src/cli/commands/dns.ts";
import { load } from "../../config/loading.ts";
import { edgeLb } from "../running.ts";

const CONFIG = load([
  ["domain", "lab"],
  ["listen", "api=192.168.1.10:6443"],
  ["cluster", "hub=10.0.0.1"],
  ["cluster", "m1=10.0.0.2,domain=m1.example,names=*.shop.lab,names=one.lab,api-names=k.lab"],
]);

function print(options: Partial<DnsOptions>, config = CONFIG): string {
  return dnsText(config, { address: null, format: null, ...options });
}

describe("dnsText()", () => {
  test.each<[DnsOptions["format"], string]>([
    [
      "hosts",
      "192.168.1.10 api.hub.lab api-int.hub.lab console-openshift-console.apps.hub.lab oauth-openshift.apps.hub.lab downloads-openshift-console.apps.hub.lab",
    ],
    [
      "dnsmasq",
      "host-record=api.hub.lab,192.168.1.10\nhost-record=api-int.hub.lab,192.168.1.10\naddress=/apps.hub.lab/192.168.1.10\n",
    ],
    ["dnsmasq", "address=/shop.lab/192.168.1.10\nhost-record=one.lab,192.168.1.10\n"],
    [
      "bind",
      "api.hub.lab. 300 IN A 192.168.1.10\napi-int.hub.lab. 300 IN A 192.168.1.10\n*.apps.hub.lab. 300 IN A 192.168.1.10\n",
    ],
    ["libvirt", "<host ip='192.168.1.10'><hostname>api.hub.lab</hostname><hostname>api-int.hub.lab</hostname>"],
    ["libvirt", "    <dnsmasq:option value='address=/apps.m1.example/192.168.1.10'/>\n"],
  ])("writes %s", (format, want) => expect(print({ format })).toContain(want));

  test("writes all of them, each under its name", () => {
    expect(print({}).match(/^# (hosts|dnsmasq|bind|libvirt):/gm)).toEqual([
      "# hosts:",
      "# dnsmasq:",
      "# bind:",
      "# libvirt:",
    ]);
  });

  describe("the address, where none was given", () => {
    const on = (address: string, family = "IPv4", more = {}): never =>
      ({ address, family, internal: false, netmask: "", mac: "", cidr: null, ...more }) as never;
    const interfaces = {
      lo: [on("127.0.0.1", "IPv4", { internal: true })],
      virbr0: [on("192.168.125.1")],
      eth0: [on("10.1.1.9"), on("fe80::9", "IPv6", { scopeid: 2 }), on("fd00::9", "IPv6")],
    };
    const anywhere = load([
      ["domain", "lab"],
      ["cluster", "hub=10.0.0.1"],
    ]);
    const first = (format: DnsOptions["format"], config = anywhere, routed: string | null = "10.1.1.9"): string =>
      dnsText(config, { address: null, format }, { interfaces, routed }).split("\n")[0] ?? "";

    test("is the default route's, and the others stand in a comment (13 C6)", () => {
      const others = "for 10.1.1.9 (eth0); or with --for ADDRESS for 192.168.125.1 (virbr0), fd00::9 (eth0)";
      expect(first("dnsmasq")).toBe(`# ${others}`);
      expect(first("bind")).toBe(`; ${others}`);
      expect(first("hosts", anywhere, null)).toStartWith("# for 192.168.125.1 (virbr0);");
    });

    test("is what listeners are bound to; one needs no comment", () => {
      expect(first("bind", CONFIG)).toBe("api.hub.lab. 300 IN A 192.168.1.10");
      const two = load([
        ["domain", "lab"],
        ["listen", "api=192.168.1.10:6443,192.168.1.11:6443"],
        ["cluster", "hub=10.0.0.1"],
      ]);
      expect(first("hosts", two)).toBe("# for 192.168.1.10 (api); or with --for ADDRESS for 192.168.1.11 (api)");
    });
  });

  test("writes IPv6 addresses", () => {
    expect(print({ format: "bind", address: "fd00::1" })).toStartWith("api.hub.lab. 300 IN AAAA fd00::1\n");
  });

  test("says which cluster has no name to resolve", () => {
    expect(print({ format: "hosts" }, load([["cluster", "hub=10.0.0.1"]]))).toStartWith(
      "# hub: its domain is not known",
    );
  });
});

describe("edge-lb dns", () => {
  const HUB = ["dns", "--cluster", "hub=10.0.0.1", "--domain", "lab"];

  test("prints the records of the clusters for the address and the format that were asked for", async () => {
    const { code, out } = await edgeLb([...HUB, "--for", "192.168.125.1", "--format", "dnsmasq"]);
    expect([code, out.split("\n")[0]]).toEqual([0, "host-record=api.hub.lab,192.168.125.1"]);
  });

  test("reads an address in any form", async () => {
    const { out } = await edgeLb([...HUB, "--for", "fd00::0:1", "--format", "bind"]);
    expect(out).toStartWith("api.hub.lab. 300 IN AAAA fd00::1\n");
  });

  test.each([
    [["dns"], "0 clusters"],
    [[...HUB, "--for", "here"], 'Cannot use --for: "here" found, an IPv4 or IPv6 address wanted (USAGE)'],
    [
      [...HUB, "--format", "xml"],
      'Cannot use --format: "xml" found, hosts, dnsmasq, bind, libvirt or resolved wanted (USAGE)',
    ],
  ])("ends %j with 2", async (argv, want) => {
    const { code, err } = await edgeLb(argv);
    expect(code).toBe(2);
    expect(err).toContain(want);
  });
});

describe("edge-lb dns --forward", () => {
  const LAB = ["dns", "--cluster", "hub=10.0.0.1,names=*.shop.example", "--domain", "lab", "--forward"];

  test.each([
    [["10.0.0.9", "--format", "dnsmasq"], "server=/hub.lab/10.0.0.9\nserver=/shop.example/10.0.0.9\n"],
    [["10.0.0.9#5353", "--format", "dnsmasq"], "server=/hub.lab/10.0.0.9#5353\nserver=/shop.example/10.0.0.9#5353\n"],
    [
      ["10.0.0.9", "--format", "libvirt"],
      "<dns>\n  <forwarder domain='hub.lab' addr='10.0.0.9'/>\n  <forwarder domain='shop.example' addr='10.0.0.9'/>\n</dns>\n",
    ],
    [["fd00::9", "--format", "resolved"], "[Resolve]\nDNS=[fd00::9]:53\nDomains=~hub.lab ~shop.example\n"],
  ])("%p", async (words, out) => {
    expect(await edgeLb([...LAB, ...words])).toMatchObject({ code: 0, out, err: "" });
  });

  test("writes another port for libvirt as an option of its dnsmasq", async () => {
    const { out } = await edgeLb([...LAB, "10.0.0.9#5353", "--format", "libvirt"]);
    expect(out).toContain("<dnsmasq:option value='server=/hub.lab/10.0.0.9#5353'/>");
  });

  test.each([
    [["10.0.0.9#0"], "ADDRESS or ADDRESS#PORT wanted"],
    [["here"], "ADDRESS or ADDRESS#PORT wanted"],
    [["10.0.0.9", "--format", "hosts"], "Cannot forward from hosts: dnsmasq, libvirt or resolved wanted"],
  ])("refuses %p", async (words, message) => {
    const { code, err } = await edgeLb([...LAB, ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  test("resolved holds no records", async () => {
    const { code, err } = await edgeLb([...LAB.slice(0, -1), "--format", "resolved"]);
    expect([code, err]).toEqual([2, expect.stringContaining("add --forward ADDR#PORT")]);
  });
});
