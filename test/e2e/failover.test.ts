/** One node of three loses its power while clients come one after the other: none of them notices. */
import { afterAll, beforeAll, expect, describe, test } from "bun:test";
import { type ClusterName, type Lab, LISTENERS, type Listener, startLab } from "../../scripts/lab/lab.ts";

const CONNECTIONS = 200;

let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ block: "127.22.0", processes: true, args: ["--interval", "1s"] });
});
afterAll(() => lab?.stop());

/** The address of the node that answers a new connection; throws what curl says when none does. */
async function ask(cluster: ClusterName, listener: Listener): Promise<string> {
  const { code, out, err } = await lab.curl(cluster, listener, listener === "api" ? "/version" : "/");
  if (code !== 0 || !out.startsWith("{")) throw new Error(`curl ended with ${code}: ${err}${out}`);
  const { node } = JSON.parse(out) as { node: string };
  return `127.22.0.${node.split("-").at(-1)}`;
}

const victims = new Map<Listener, string>();

/** A cluster of its own per listener, so that each loses its first node. */
const VICTIMS = { api: "hub", https: "managed1", http: "managed2" } as const;

describe.each(LISTENERS)("%s", (listener) => {
  const name = VICTIMS[listener];
  /** The event of this listener's pool about one node. */
  const said = (state: string, ip: string): RegExp => new RegExp(`${name}: ${listener} ${state} on .*${ip}\\b`);

  test(`serves ${CONNECTIONS} of ${CONNECTIONS} connections while the node that answered is killed`, async () => {
    const victim = await ask(name, listener);
    victims.set(listener, victim);
    const failures: string[] = [];
    const answered = new Set<string>();
    for (let n = 0; n < CONNECTIONS; n++) {
      if (n === CONNECTIONS / 2) {
        await lab.clusters[name].nodes.find(({ ip }) => ip === victim)?.kill();
        answered.clear();
      }
      await ask(name, listener).then(
        (node) => answered.add(node),
        (error: unknown) => failures.push(`connection ${n}: ${error}`),
      );
    }
    expect(failures).toEqual([]);
    expect(answered).not.toContain(victim);
    expect(answered.size).toBeGreaterThan(0);
    await lab.edge.logged(said("(down|dead)", victim));
  }, 60_000);

  test("lets the node serve again once it is back", async () => {
    const ip = victims.get(listener) ?? "";
    const before = lab.edge.logs().length;
    await lab.clusters[name].restart(ip);
    await lab.edge.logged(said("up", ip), before);
    if (listener !== "api") expect(await ask(name, listener)).toBe(ip); // the hash brings its clients back
  }, 60_000);
});
