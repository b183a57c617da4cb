/** `check --live` on a machine made up by the test. */
import { describe, expect, test } from "bun:test";
import { checkLive, liveText } from "../../../src/cli/live/check-live.ts";
import type { Config } from "../../../src/config/model.ts";
import { runLiveCheck } from "../../../src/check-live/findings.ts";
import type { LiveEnvironment } from "../../../src/check-live/environment.ts";
import type { Finding } from "../../../src/check-live/finding.ts";
import { readZones } from "../../../src/check-live/firewall.ts";
import { DIAL_RIGHT } from "../../../src/control/machine/client-source.ts";
import type { NodeProbe, NodeProbeResult } from "../../../src/control/probe/node-probe.ts";
import type { ShownCertificate } from "../../../src/core/health/identity.ts";
import { load } from "../../config/loading.ts";
import { silentIo } from "../running.ts";

const NOW = Date.parse("2026-11-23T12:00:00Z");
const DAY = 86_400_000;

const CONFIG = load([
  ["domain", "lab"],
  ["admin", "off"],
  ["cluster", "hub=192.168.125.20-22"],
]);

function certificate(more: Partial<ShownCertificate> = {}): ShownCertificate {
  return {
    names: ["*.apps.hub.lab"],
    notAfterMs: NOW + 90 * DAY,
    fingerprint: "a",
    issuer: "lab",
    offersH2: false,
    ...more,
  };
}

/** A node that is fine in every family. */
function healthy(more: Partial<NodeProbeResult> = {}, names = ["api.hub.lab", "*.apps.hub.lab"]): NodeProbeResult {
  const ready = { got: "http", status: 200 } as const;
  const tls = { got: "tls", fault: null, timeoutMs: 2_000 } as const;
  return {
    ready,
    own: { api: ready, https: tls, http: tls },
    certificate: certificate({ names }),
    inconclusive: false,
    ...more,
  };
}

function probing(result: NodeProbeResult): NodeProbe {
  return { probe: async () => result, certificateShownTo: async () => null, close: () => undefined };
}

function environment(more: Partial<LiveEnvironment> = {}): LiveEnvironment {
  return {
    addresses: [
      { interface: "lo", ip: "127.0.0.1", cidr: "127.0.0.1/8" },
      { interface: "eth0", ip: "10.0.0.5", cidr: "10.0.0.5/24" },
      { interface: "virbr1", ip: "192.168.125.1", cidr: "192.168.125.1/24" },
    ],
    mayBindLow: true,
    firstFreePort: 1_024,
    descriptors: 65_536,
    running: null,
    typed: "-c lab.yaml",
    securityContext: "",
    wallMs: () => NOW,
    lookup: async () => ["10.0.0.5"],
    askServer: async () => ["10.0.0.5"],
    tryListen: async () => null,
    holder: () => null,
    run: async () => null,
    nodeProbe: () => probing(healthy()),
    clock: async () => ({ dateMs: NOW, notBeforeMs: NOW - DAY }),
    ...more,
  };
}

async function findings(more: Partial<LiveEnvironment>, config: Config = CONFIG): Promise<readonly Finding[]> {
  return (await runLiveCheck(config, environment(more))).flatMap((group) => group.findings);
}

/** Everything that is not good, as `grade text | remedy | remedy`. */
async function complaints(more: Partial<LiveEnvironment>, config?: Config): Promise<readonly string[]> {
  return (await findings(more, config))
    .filter(({ grade }) => grade !== "ok")
    .map(({ grade, text, remedy }) => [`${grade} ${text}`, ...remedy].join(" | "));
}

const NOT_FOUND = (): Promise<never> => Promise.reject(Object.assign(new Error("no"), { code: "ENOTFOUND" }));
const DNS = "edge-lb dns --for 10.0.0.5 --format dnsmasq -c lab.yaml";
const SETCAP = 'sudo setcap cap_net_bind_service=+ep "$(command -v edge-lb)"';

describe("runLiveCheck()", () => {
  test("has nothing to complain about where all is well", async () => {
    expect(await complaints({})).toEqual([]);
    const texts = (await findings({})).map(({ text }) => text);
    expect(texts).toContain("rights: may listen below port 1024");
    expect(texts).toContain("api.hub.lab: 10.0.0.5");
    expect(texts).toContain("*.apps.hub.lab: 10.0.0.5");
    expect(texts).toContain("api (port 6443): 3 of 3 up: 192.168.125.20, .21, .22: /readyz 200");
    expect(texts).toContain("ingress certificate until 2027-02-21");
  });

  test.each([
    ["A1: edge-lb itself", "10.0.0.5", "edge-lb itself listens there"],
    ["A2: no machine", "0.0.0.0", "its name leads to 0.0.0.0, no address of a machine"],
  ])("a node by a name that leads to %s is not asked, and it says why", async (_, ip, words) => {
    const config = load([["cluster", "hub=worker.lab,domain=hub.lab"]]);
    const asked: string[] = [];
    const found = await complaints(
      {
        lookup: async (name) => [name === "worker.lab" ? ip : "10.0.0.5"],
        nodeProbe: (plan) => {
          asked.push(plan.ip);
          return probing(healthy());
        },
      },
      config,
    );
    expect(found.filter((text) => text.includes(words))).not.toEqual([]);
    expect(asked).toEqual([]);
  });

  test.each<[string, Partial<LiveEnvironment>, string]>([
    [
      "rights that are missing",
      { mayBindLow: false, tryListen: async ({ port }) => (port < 1_024 ? "EACCES" : null) },
      `fail rights: this user may not listen on 443, 80 | ${SETCAP} | or run it with sudo`,
    ],
    [
      "few open files",
      { descriptors: 1_024 },
      "warn open files: 1024, room for 206 connections | ulimit -n 65536 | as a systemd service: LimitNOFILE=65536 in its unit",
    ],
    [
      "a port held by a service",
      {
        tryListen: async ({ port }) => (port === 443 ? "EADDRINUSE" : null),
        holder: () => ({ pid: 812, command: "haproxy", unit: "haproxy.service" }),
      },
      "fail https :443: held by haproxy (pid 812, haproxy.service) | sudo systemctl disable --now haproxy.service | or --listen https=ADDR:PORT",
    ],
    [
      "a port held by nobody knows who",
      { tryListen: async ({ port }) => (port === 443 ? "EADDRINUSE" : null) },
      "fail https :443: held by a process of another user | sudo ss -ltnp 'sport = :443'",
    ],
    [
      "an address that is not there",
      { tryListen: async ({ port }) => (port === 80 ? "EADDRNOTAVAIL" : null) },
      "fail http :80: this machine does not have that address | sudo ip address add  dev INTERFACE",
    ],
    ["a name that does not resolve", { lookup: NOT_FOUND }, `fail api.hub.lab: does not resolve | ${DNS}`],
    ["api-int that does not resolve", { lookup: NOT_FOUND }, `warn api-int.hub.lab: does not resolve | ${DNS}`],
    [
      "a name that goes past edge-lb",
      { lookup: async () => ["192.168.125.20"] },
      `fail *.apps.hub.lab: 192.168.125.20: straight to a node, past edge-lb | ${DNS}`,
    ],
    [
      "a name that leads elsewhere",
      { lookup: async () => ["10.0.0.9"] },
      `fail api.hub.lab: 10.0.0.9: another machine | ${DNS}`,
    ],
    [
      "a name that leads here and elsewhere",
      { lookup: async () => ["192.168.125.1", "10.0.0.9"] },
      `warn api.hub.lab: 192.168.125.1, 10.0.0.9: edge-lb is not at 10.0.0.9, so some clients miss it | ${DNS}`,
    ],
    [
      "a public address before private ones",
      { lookup: async () => ["203.0.114.7"] },
      `warn api.hub.lab: 203.0.114.7: a public address; right if a router forwards it here | ${DNS}`,
    ],
    [
      "SELinux that confines it",
      {
        run: async (program) => (program === "getenforce" ? { code: 0, out: "Enforcing\n" } : null),
        securityContext: "system_u:system_r:init_t:s0",
      },
      'warn SELinux: enforcing, and confines this process (system_u:system_r:init_t:s0) | sudo semanage port -a -t http_port_t -p tcp 6443 | sudo restorecon -v "$(command -v edge-lb)"',
    ],
    [
      "a cluster that is switched off",
      {
        nodeProbe: () => {
          const refused = { got: "nothing", fault: "refused", timeoutMs: 2_000 } as const;
          return probing({ ready: refused, own: { api: refused }, certificate: null, inconclusive: false });
        },
      },
      "fail none of its 3 nodes answers: connection refused; is hub switched off? | virsh list --all | ping -c 1 192.168.125.20",
    ],
    [
      "a node that serves nothing",
      {
        nodeProbe: ({ ip, group }) => {
          const silent = { got: "nothing", fault: "silent", timeoutMs: 2_000 } as const;
          const gone = { ready: silent, own: { api: silent }, certificate: null, inconclusive: false };
          return probing(
            ip.endsWith(".21") ? gone : healthy({}, [group.name === "api" ? "api.hub.lab" : "*.apps.hub.lab"]),
          );
        },
      },
      "warn 192.168.125.21 serves nothing: no answer within 2s | curl -kv --max-time 2 https://192.168.125.21:6443/readyz",
    ],
    [
      "an API that is not ready anywhere",
      {
        nodeProbe: ({ group }) => {
          const ready = { got: "http", status: 500 } as const;
          return probing(group.name === "api" ? healthy({ ready, own: { api: ready } }) : healthy());
        },
      },
      "fail api (port 6443): 0 of 3 up: 192.168.125.20, .21, .22: /readyz 500 | curl -kv --max-time 2 https://192.168.125.20:6443/readyz",
    ],
    [
      "a certificate that has expired",
      { nodeProbe: () => probing(healthy({ certificate: certificate({ notAfterMs: NOW - DAY }) })) },
      "fail api certificate expired on 2026-11-22 (192.168.125.20) | oc get csr -o name | xargs oc adm certificate approve",
    ],
    [
      "a certificate that is not valid yet",
      { clock: async () => ({ dateMs: null, notBeforeMs: NOW + DAY }) },
      "fail 192.168.125.20: its api certificate is valid only from 2026-11-24; this clock may be slow | sudo chronyc makestep",
    ],
    [
      "a clock that is off",
      { clock: async () => ({ dateMs: NOW - 61_000, notBeforeMs: null }) },
      "warn 192.168.125.22: its clock is 61s behind this machine's | ssh core@192.168.125.22 sudo chronyc makestep | or here: sudo chronyc makestep",
    ],
  ])("finds %s", async (_, more, want) => expect(await complaints(more)).toContain(want));

  test.each<[string, Partial<LiveEnvironment>, string, Config]>([
    [
      "a port of DNS held over UDP",
      {
        tryListen: async ({ port }, over) => (port === 53 && over === "udp" ? "EADDRINUSE" : null),
        holder: () => ({ pid: 53, command: "dnsmasq", unit: null }),
      },
      "fail dns 192.168.125.1:53 (UDP): held by dnsmasq (pid 53) | sudo kill 53 | or --dns ADDR:PORT",
      load([
        ["domain", "lab"],
        ["admin", "off"],
        ["dns", "192.168.125.1:53"],
        ["cluster", "hub=192.168.125.20-22"],
      ]),
    ],
    [
      "the right that source=client needs",
      {
        mayDialFromAnywhere: async () => false,
        engine: async () => ({ engine: "linux", ring: null, note: null }),
      },
      `fail source=client: CAP_NET_ADMIN is missing | ${DIAL_RIGHT}`,
      load([
        ["domain", "lab"],
        ["admin", "off"],
        ["cluster", "hub=192.168.125.20-22,source=client"],
      ]),
    ],
    [
      "an engine that cannot do source=client",
      { engine: async () => ({ engine: "bun", ring: null, note: null }) },
      "fail source=client: engine bun cannot dial from a client's address | use --engine linux",
      load([
        ["domain", "lab"],
        ["admin", "off"],
        ["cluster", "hub=192.168.125.20-22,source=client"],
      ]),
    ],
    [
      "the usual status page's port held by another",
      { tryListen: async ({ port }) => (port === 50_000 ? "EADDRINUSE" : null) },
      "warn admin 127.0.0.1:50000: held by a process of another user | sudo ss -ltnp 'sport = :50000'",
      load([
        ["domain", "lab"],
        ["cluster", "hub=192.168.125.20-22"],
      ]),
    ],
  ])("finds %s", async (_, more, want, config) => expect(await complaints(more, config)).toContain(want));

  test("knows the edge-lb that runs by its pid", async () => {
    const holder = (): { pid: number; command: string; unit: null } => ({ pid: 7, command: "edge-lb", unit: null });
    const more = { running: 7, tryListen: async () => "EADDRINUSE", holder, mayBindLow: false };
    expect(await complaints(more)).toEqual([]);
    expect((await complaints({ ...more, running: 8 })).length).toBe(3);
  });

  test("asks for names of a domain that certificates gave away", async () => {
    const config = load([
      ["cluster", "hub=192.168.125.20-22"],
      ["admin", "off"],
    ]);
    const asked: string[] = [];
    const lookup = async (name: string): Promise<string[]> => {
      asked.push(name);
      return ["10.0.0.5"];
    };
    expect(
      await complaints(
        {
          lookup,
          nodeProbe: ({ group }) =>
            probing(healthy({}, group.name === "api" ? ["kubernetes"] : ["*.apps.hub.far.lab"])),
        },
        config,
      ),
    ).toEqual([]);
    expect(asked.sort()).toEqual([
      "api-int.hub.far.lab",
      "api.hub.far.lab",
      "console-openshift-console.apps.hub.far.lab",
    ]);
  });

  test("finds another cluster's node and certificates that browsers mix up", async () => {
    const config = load([
      ["domain", "lab"],
      ["admin", "off"],
      ["cluster", "hub=192.168.125.20,ingress=192.168.125.23"],
      ["cluster", "m1=192.168.125.30"],
    ]);
    const foreign = await complaints({ nodeProbe: () => probing(healthy({}, ["api.m1.lab"])) }, config);
    expect(foreign.join("\n")).toContain("192.168.125.20 shows m1's api certificate");
    const both = certificate({ names: ["api.hub.lab", "*.apps.hub.lab", "*.apps.m1.lab"], offersH2: true });
    const shared = await complaints({ nodeProbe: () => probing(healthy({ certificate: both })) }, config);
    expect(shared.join("\n")).toMatch(/covers (hub|m1) as well and offers HTTP\/2/);
  });

  test("takes a name server that never answers for what it is", async () => {
    const started = performance.now();
    const found = await complaints({ lookup: () => new Promise(() => undefined) });
    expect(found[0]).toStartWith("fail api.hub.lab: the name server does not answer");
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});

const ZONES = `public (active)
  target: default
  icmp-block-inversion: no
  interfaces: eth0
  sources: 
  services: cockpit dhcpv6-client https ssh
  ports: 80/tcp 6000-7000/tcp 53/udp
  rich rules: 

libvirt (active)
  target: ACCEPT
  interfaces: virbr1
  services: dhcp dns ssh tftp
  ports: 
  protocols: icmp ipv6-icmp
  rich rules: 
\trule priority="32767" reject

trusted
  target: ACCEPT
  interfaces: lo
  ports: 
`;

describe("firewalld", () => {
  const run: LiveEnvironment["run"] = async (program, [first]) => {
    if (program !== "firewall-cmd") return null;
    return { code: 0, out: first === "--state" ? "running\n" : ZONES };
  };

  test("is read zone by zone", () => {
    expect(readZones(ZONES).map(({ name, interfaces, open }) => [name, interfaces, open])).toEqual([
      ["public", ["eth0"], false],
      ["libvirt", ["virbr1"], false],
      ["trusted", ["lo"], true],
    ]);
  });

  test("that rejects what VMs send to the host breaks service; the lines that allow it are printed", async () => {
    expect(await complaints({ run })).toEqual([
      "fail firewalld: zone libvirt (virbr1): nodes of your clusters cannot reach 6443, 443, 80 | sudo firewall-cmd --permanent --zone=libvirt --add-port=6443/tcp --add-port=443/tcp --add-port=80/tcp | sudo firewall-cmd --reload",
    ]);
  });

  test("that may not be asked is told", async () => {
    const refused: LiveEnvironment["run"] = async (program, args) =>
      program === "firewall-cmd" && args[0] !== "--state" ? { code: 1, out: "" } : run(program, args);
    expect(await complaints({ run: refused })).toEqual([
      "warn firewalld: this user may not ask it | sudo edge-lb check --live -c lab.yaml",
    ]);
  });
});

describe("checkLive()", () => {
  async function print(more: Partial<LiveEnvironment>): Promise<{ code: number; out: string }> {
    let out = "";
    const io = silentIo({ out: (text) => void (out += text) });
    return { code: await checkLive(CONFIG, [], io, environment(more)), out };
  }

  test("ends with 0 when nothing breaks service, warnings or not", async () => {
    expect((await print({})).code).toBe(0);
    const { code, out } = await print({ descriptors: 1_024 });
    expect(code).toBe(0);
    expect(out).toContain("\n  warn  open files: 1024, room for 206 connections\n          ulimit -n 65536\n");
    expect(out).toEndWith("1 warning, 0 failures\n");
  });

  test("ends with 1 when something does, and says one remedy once", async () => {
    const { code, out } = await print({ lookup: NOT_FOUND });
    expect(code).toBe(1);
    expect(out.split(DNS).length).toBe(2);
    expect(out).toEndWith("1 warning, 2 failures\n");
  });
});

describe("liveText()", () => {
  test("counts", () => expect(liveText([])).toBe("\n0 ok, 0 warnings, 0 failures\n"));
});
