/** What is kept of addresses, with a network that the test plays. */
import { describe, expect, test } from "bun:test";
import type { Shown } from "../../src/core/discover/sighting.ts";
import type { Seen } from "../../src/discover/look.ts";
import { Sightings } from "../../src/discover/sightings.ts";

const at = (ip: string) => ({ ip, label: null });
const shown = (issuer: string, ...names: readonly string[]): Shown => ({ names, issuer });

/** What is shown to somebody who asks without a name, and with names. */
interface Machine {
  readonly api?: Shown;
  readonly https?: Shown;
  readonly byName?: Shown;
  readonly answered?: boolean;
  /** Never ends being asked for names. */
  readonly isTarpit?: boolean;
}

class Network {
  nowMs = 1;
  readonly machines = new Map<string, Machine>();
  readonly here = new Set<string>();
  readonly looks: string[] = [];
  readonly names: string[] = [];
  readonly sightings: Sightings;

  constructor() {
    const looker = {
      look: async ({ ip, label }: { ip: string; label: string | null }): Promise<Seen> => {
        this.looks.push(ip);
        const { api, https, answered = api !== undefined || https !== undefined } = this.machines.get(ip) ?? {};
        const list = (one: Shown | undefined) => (one === undefined ? null : [one]);
        return { ip, label, ports: {}, api: list(api), https: list(https), answered };
      },
      lookFor: async (seen: Seen, domains: readonly string[]): Promise<Seen> => {
        this.names.push(`${seen.ip} ${domains}`);
        const { byName, isTarpit = false } = this.machines.get(seen.ip) ?? {};
        if (isTarpit) await new Promise(() => {});
        return byName === undefined ? seen : { ...seen, api: [...(seen.api ?? []), byName] };
      },
    };
    const neighbours = { isHere: (ip: string) => this.here.has(ip) };
    this.sightings = new Sightings({ looker, neighbours, nowMs: () => this.nowMs });
  }

  async shown(): Promise<readonly string[]> {
    return (await this.sightings.withNames(new Map())).map(({ ip, api }) => `${ip} ${api?.length ?? 0}`);
  }
}

const HUB = shown("ca", "*.apps.hub.lab");
const API = shown("ca", "kubernetes");

describe("Sightings", () => {
  test("asks everybody, those first that this machine has met", async () => {
    const network = new Network();
    network.here.add("10.0.0.3");
    await network.sightings.look([at("10.0.0.1"), at("10.0.0.2"), at("10.0.0.3")], {});
    expect(network.looks).toEqual(["10.0.0.3", "10.0.0.1", "10.0.0.2"]);
  });

  test("asks what shows something for the names of all domains, once", async () => {
    const network = new Network();
    network.machines.set("10.0.0.1", { https: HUB });
    network.machines.set("10.0.0.2", { api: API, byName: shown("ca", "api.hub.lab") });
    await network.sightings.look([at("10.0.0.1"), at("10.0.0.2")], {});
    expect(network.sightings.takeNews()).toBe(true);
    expect(await network.shown()).toEqual(["10.0.0.1 0", "10.0.0.2 2"]);
    expect(network.names).toEqual(["10.0.0.1 hub.lab", "10.0.0.2 hub.lab"]);
    expect(await network.shown()).toEqual(["10.0.0.1 0", "10.0.0.2 2"]);
    expect(network.names.slice(2).filter((asked) => asked.endsWith("hub.lab"))).toEqual([]);
    expect(network.sightings.takeNews()).toBe(false);
  });

  test("waits for nobody who takes long to be asked for names", async () => {
    const network = new Network();
    network.machines.set("10.0.0.1", { https: HUB });
    network.machines.set("10.0.0.2", { api: API, isTarpit: true });
    await network.sightings.look([at("10.0.0.1"), at("10.0.0.2")], {});
    const startMs = performance.now();
    expect(await network.shown()).toEqual(["10.0.0.1 0"]);
    expect(performance.now() - startMs).toBeLessThan(2_500);
  });

  test("asks nodes no more, which are probed", async () => {
    const network = new Network();
    network.machines.set("10.0.0.1", { api: API, https: HUB });
    await network.sightings.look([at("10.0.0.1")], {});
    network.sightings.setNodes(["10.0.0.1"]);
    network.sightings.arrived(at("10.0.0.1"), {});
    await network.sightings.askAgain();
    await network.sightings.look([at("10.0.0.1")], {});
    expect(network.looks.length).toBe(1);
  });

  test("asks a machine that has just come without a sweep, and again while it shows nothing", async () => {
    const network = new Network();
    const { sightings } = network;
    network.here.add("10.0.0.1");
    sightings.arrived(at("10.0.0.1"), {});
    await sightings.askAgain();
    expect([network.looks.length, sightings.takeNews()]).toEqual([1, false]);
    network.nowMs += 1_000;
    network.machines.set("10.0.0.1", { api: API });
    await sightings.askAgain();
    expect([network.looks.length, sightings.takeNews()]).toEqual([2, true]);
    network.nowMs += 1_000; // half of it: the ingress may follow
    await sightings.askAgain();
    expect([network.looks.length, sightings.takeNews()]).toEqual([3, false]);
  });

  test("does not ask an address again where nobody is", async () => {
    const network = new Network();
    await network.sightings.look([at("10.0.0.1")], {});
    network.nowMs += 10_000;
    await network.sightings.askAgain();
    expect(network.looks.length).toBe(1);
  });

  test("forgets what shows nothing any more, unless it is a node", async () => {
    const network = new Network();
    const { sightings } = network;
    for (const ip of ["10.0.0.1", "10.0.0.2"]) network.machines.set(ip, { api: API, https: HUB });
    await sightings.look([at("10.0.0.1"), at("10.0.0.2")], {});
    await network.shown();
    network.machines.clear();
    sightings.setNodes(["10.0.0.1"]);
    await sightings.look([at("10.0.0.1"), at("10.0.0.2")], {});
    expect(await network.shown()).toEqual(["10.0.0.1 1"]);
  });

  test("lets go of a node that had no answer for so long", async () => {
    const network = new Network();
    const { sightings } = network;
    network.machines.set("10.0.0.1", { api: API, https: HUB });
    await sightings.look([at("10.0.0.1")], {});
    await network.shown();
    sightings.setNodes(["10.0.0.1"]);
    network.nowMs += 5_000;
    sightings.alive("10.0.0.1");
    network.nowMs += 5_000;
    sightings.forget(6_000);
    expect((await network.shown()).length).toBe(1);
    network.nowMs += 5_000;
    sightings.forget(6_000);
    expect([await network.shown(), sightings.takeNews()]).toEqual([[], true]);
  });

  test("looks at a node anew that shows something else, which then counts", async () => {
    const network = new Network();
    const { sightings } = network;
    network.machines.set("10.0.0.1", { api: API, https: HUB });
    await sightings.look([at("10.0.0.1")], {});
    await network.shown();
    sightings.setNodes(["10.0.0.1"]);
    network.machines.set("10.0.0.1", { api: API, https: shown("other", "*.apps.hub.lab") });
    sightings.doubt("10.0.0.1");
    await sightings.askAgain();
    const [seen] = await sightings.withNames(new Map());
    expect(seen?.https?.[0]?.issuer).toBe("other");
  });
});
