/** What the operator hears of discovery: in the log once, in the status for as long as it is so. */
import { describe, expect, test } from "bun:test";
import { DiscoveryView } from "../../src/control/serve/discovery-view.ts";
import type { Findings } from "../../src/core/discover/clusters.ts";
import { IssuerMemory } from "../../src/discover/issuer-memory.ts";
import { Tellings } from "../../src/discover/tellings.ts";
import { sourceFault } from "../../src/discover/source.ts";

function bench() {
  const lines: string[] = [];
  const add = (event: string, message: string) => void lines.push(`${event}: ${message}`);
  const view = new DiscoveryView();
  const tellings = new Tellings({ info: add, warn: add, error: add }, new IssuerMemory(undefined), view);
  return { lines, view, tellings };
}

const NOTHING: Findings = { clusters: [], foreign: [], nameless: [], taken: [] };

describe("Tellings", () => {
  test("a source that fails is told once, shown as long as it does, and told when it answers again", () => {
    const { lines, view, tellings } = bench();
    expect(view.status()).toBeNull();
    tellings.sourcesAre(["libvirt", "net:10.0.0.0/24"]);
    tellings.sourceAnswered("net:10.0.0.0/24", 254);
    const fault = sourceFault("libvirt", "there is no program virsh", "install libvirt-clients");
    for (let times = 0; times < 3; times++) tellings.sourceFailed("libvirt", fault);
    expect(view.status()?.sources).toEqual([
      { source: "libvirt", addresses: null, fault: fault.toLine() },
      { source: "net:10.0.0.0/24", addresses: 254, fault: null },
    ]);
    tellings.sourceAnswered("libvirt", 2);
    tellings.sourceAnswered("libvirt", 3);
    expect(lines).toEqual([`discover: ${fault.toLine()}`, "discover: libvirt answers again"]);
    expect(view.status()?.sources[0]).toEqual({ source: "libvirt", addresses: 3, fault: null });
  });

  test("another fault of the same source is told too", () => {
    const { lines, tellings } = bench();
    tellings.sourcesAre(["proxmox:https://pve:8006"]);
    for (const found of ["status 500", "status 500", "connection refused"])
      tellings.sourceFailed("proxmox:https://pve:8006", sourceFault("proxmox:https://pve:8006", found));
    expect(lines.length).toBe(2);
  });

  test("a source that is taken out is shown no more, also when it answers late", () => {
    const { view, tellings } = bench();
    tellings.sourcesAre(["libvirt", "net:10.0.0.0/24"]);
    tellings.sourcesAre(["net:10.0.0.0/24"]);
    tellings.sourceAnswered("libvirt", 1);
    tellings.sourceFailed("libvirt", new Error("late"));
    expect(view.status()?.sources.map(({ source }) => source)).toEqual(["net:10.0.0.0/24"]);
  });

  test("what belongs to no cluster is told once, and shown with what to do", () => {
    const { lines, view, tellings } = bench();
    tellings.sourcesAre(["net:10.0.0.0/24"]);
    const findings: Findings = {
      ...NOTHING,
      nameless: [{ ip: "10.0.0.9", issuer: "ca" }],
      foreign: [{ ip: "10.0.0.8", claims: "api.hub.lab", issuer: "other" }],
      taken: [{ ip: "10.0.0.7", what: "m1.lab", cluster: "m1" }],
    };
    for (let times = 0; times < 3; times++) tellings.findings(findings);
    expect(lines.length).toBe(3);
    expect(view.status()?.notes).toEqual([
      "foreign: 10.0.0.8 shows api.hub.lab signed by another authority and gets no client",
      "10.0.0.9 has an API without a name for clients outside: --cluster NAME=10.0.0.9,domain=DOMAIN",
      "10.0.0.7 serves m1.lab, which is cluster m1's: not added to it",
    ]);
    tellings.findings(NOTHING);
    expect(view.status()?.notes).toEqual([]);
  });

  test("shows no more notes than anybody reads", () => {
    const { view, tellings } = bench();
    tellings.sourcesAre(["net:10.0.0.0/20"]);
    const nameless = Array.from({ length: 4_096 }, (_, at) => ({ ip: `10.0.${at >> 8}.${at & 255}`, issuer: "ca" }));
    tellings.findings({ ...NOTHING, nameless });
    expect(view.status()?.notes.length).toBe(100);
  });
});
