import { describe, expect, test } from "bun:test";
import { diffConfig, type ConfigDiff } from "../../../src/config/diff.ts";
import { loadConfig, type FileTaking, type RuntimeLayer } from "../../../src/config/load.ts";
import { OwnListeners, type OwnPlace } from "../../../src/config/clusters/own-listeners.ts";
import type { Config } from "../../../src/config/model.ts";
import { createReload, type Reload } from "../../../src/control/serve/reloader.ts";
import { forgetCluster, withCluster, withoutCluster } from "../../../src/control/serve/runtime-layer.ts";
import type { ApplyOptions } from "../../../src/control/serve/supervisor.ts";
import { EdgeError } from "../../../src/errors.ts";

interface Bench {
  readonly reload: Reload;
  /** The file's text from now on. */
  write(text: string): void;
  readonly lines: string[];
  serving(): Config;
  /** Host clusters by layer: `hub file`. */
  clusters(): string[];
  readonly options: (ApplyOptions | undefined)[];
  /** Applying waits for this. */
  gate: Promise<void>;
  /** Applying fails with this. */
  fail: EdgeError | null;
  reads: number;
  /** This machine's addresses. */
  local: readonly string[];
}

function bench(first: string): Bench {
  let text = first;
  const lines: string[] = [];
  const options: (ApplyOptions | undefined)[] = [];
  const line = (_: string, message: string): void => void lines.push(message);
  const load = (runtime: RuntimeLayer, taking?: FileTaking, place?: OwnPlace): Config => {
    const flags = [{ flag: "config", text: "lab.yaml" }];
    const readFile = (): string => {
      made.reads += 1;
      return text;
    };
    const machine = { env: {}, userId: 0, cpus: 1, addresses: null };
    return loadConfig({ flags, readFile, machine, runtime, taking, place });
  };
  const apply = async (config: Config, given?: ApplyOptions): Promise<ConfigDiff> => {
    await made.gate;
    if (made.fail !== null) throw made.fail;
    options.push(given);
    const diff = diffConfig(serving, config);
    serving = config;
    return diff;
  };
  const made: Bench = {
    reload: createReload({
      load,
      own: () => new OwnListeners([{ label: "api", at: { ip: "", port: 6_443 } }], made.local),
      current: () => serving,
      apply,
      log: { info: line, warn: line, error: line },
    }),
    write: (next) => (text = next),
    lines,
    serving: () => serving,
    clusters: () => serving.clusters.map(({ name, layer }) => `${name} ${layer}`),
    options,
    gate: Promise.resolve(),
    fail: null,
    reads: 0,
    local: [],
  };
  let serving = load({ added: [], removed: new Set() });
  made.reads = 0;
  return made;
}

const HUB = "clusters:\n  hub: { nodes: 10.0.0.1 }\n";
const TWO = `${HUB}  two: { nodes: 10.0.0.2 }\n`;

describe("reload", () => {
  test("serves the file as it is now and says what changed", async () => {
    const lab = bench(HUB);
    lab.write(TWO);
    expect(await lab.reload.reload("SIGHUP")).toEqual({
      ok: true,
      changes: ["cluster two added"],
      needsRestart: [],
      notes: [],
    });
    expect(lab.clusters()).toEqual(["hub file", "two file"]);
    expect(lab.lines).toEqual(["reload (SIGHUP): cluster two added"]);
    expect(lab.reload.status).toMatchObject({ done: 1, failed: 0, lastError: null });
  });

  test.each([
    ["a mistake", "clusters:\n  hub: { nodes: 10.0.0.300 }\n", /^lab\.yaml:2:17: /],
    ["no YAML", "clusters: {", /^lab\.yaml:1:/],
    ["nothing in it, as of a full disk", "", /^lab\.yaml:1:1: .*0 clusters found, 1 before .*--allow-empty/],
    ["settings only", "domain: lab\n", /^lab\.yaml:1:1: .*0 clusters found, 1 before/],
  ])("changes nothing for a file with %s", async (_, text, wanted) => {
    const lab = bench(HUB);
    const before = lab.serving();
    lab.write(text);
    const result = await lab.reload.reload("SIGHUP");
    expect(result.ok || result.errors.map((error) => error.toLine())).toEqual([expect.stringMatching(wanted)]);
    expect(lab.serving()).toBe(before);
    expect(lab.lines).toEqual([expect.stringMatching(/^reload \(SIGHUP\) changed nothing: lab\.yaml:/)]);
    expect(lab.reload.status).toMatchObject({ done: 0, failed: 1, lastError: expect.stringMatching(wanted) });
  });

  test("takes a file without clusters when that is asked for, and from then on (13 B2)", async () => {
    const lab = bench(TWO);
    lab.write("domain: lab\n");
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: false });
    const [, asked] = await Promise.all([lab.reload.reload("SIGHUP"), lab.reload.reload("asked to", true)]);
    expect(asked).toMatchObject({
      ok: true,
      changes: ["cluster hub removed", "cluster two removed"],
    });
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: true, changes: [] });
    lab.write("# nothing\n");
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: false });
    lab.write(HUB);
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: true });
    expect(lab.clusters()).toEqual(["hub file"]);
  });

  test("answers requests that wait with one reading, which begins after the last of them", async () => {
    const lab = bench(HUB);
    const gate = Promise.withResolvers<void>();
    lab.gate = gate.promise;
    const first = lab.reload.reload("SIGHUP");
    await Promise.resolve();
    const waiting = [lab.reload.reload("SIGHUP"), lab.reload.reload("SIGHUP"), lab.reload.reload("SIGHUP")];
    lab.write(TWO);
    gate.resolve();
    expect(await first).toMatchObject({ changes: [] });
    for (const result of await Promise.all(waiting)) expect(result).toMatchObject({ changes: ["cluster two added"] });
    expect(lab.reads).toBe(2);
  });
});

describe("change", () => {
  const add = (name: string, spec: string) => ({
    why: `add ${name}`,
    edit: (layer: RuntimeLayer) => withCluster(layer, name, spec),
  });
  const rm = (name: string, below: boolean) => ({
    why: `rm ${name}`,
    edit: (layer: RuntimeLayer) => withoutCluster(layer, name, below),
    cutAfterMs: 0,
  });

  test("adds a cluster, which a reload keeps", async () => {
    const lab = bench(HUB);
    expect(await lab.reload.change(add("new", "10.0.0.9"))).toMatchObject({ changes: ["cluster new added"] });
    await lab.reload.reload("SIGHUP");
    expect(lab.clusters()).toEqual(["hub file", "new runtime"]);
  });

  test.each([
    ["emptied", ""],
    ["half written", "clusters:\n  hub: { nodes: 10.0.0.2 }\n"],
    ["broken", "clusters: {"],
  ])("builds on what the file said while it is %s (13 B2)", async (_, text) => {
    const lab = bench(TWO);
    lab.write(text);
    expect(await lab.reload.change(add("new", "10.0.0.9"))).toMatchObject({ ok: true, changes: ["cluster new added"] });
    expect(lab.clusters()).toEqual(["hub file", "two file", "new runtime"]);
    expect(lab.reads).toBe(0);
  });

  test("replaces one of the file as a whole, in its place", async () => {
    const lab = bench(TWO);
    await lab.reload.change(add("hub", "10.0.0.7,names=a.lab"));
    expect(lab.clusters()).toEqual(["hub runtime", "two file"]);
    expect(lab.serving().clusters[0]?.nodes).toEqual([{ host: "10.0.0.7", isName: false }]);
  });

  test("keeps nothing of a change that cannot be used, and goes on", async () => {
    const lab = bench(HUB);
    expect(await lab.reload.change(add("new", "10.0.0.300"))).toMatchObject({ ok: false });
    expect(await lab.reload.change(add("new", "10.0.0.2,domain=hub"))).toMatchObject({ ok: true });
    lab.fail = new EdgeError("CONFIG_INVALID", "Cannot count: the board is full");
    expect(await lab.reload.change(add("more", "10.0.0.3"))).toMatchObject({ ok: false });
    lab.fail = null;
    await lab.reload.reload("SIGHUP");
    expect(lab.clusters()).toEqual(["hub file", "new runtime"]);
  });

  test("removes one of the file, which a reload does not bring back, and passes on how long its tunnels have", async () => {
    const lab = bench(TWO);
    await lab.reload.change(rm("two", true));
    expect(lab.options.at(-1)).toEqual({ cutAfterMs: 0 });
    expect(lab.serving().removed).toEqual([{ name: "two", layer: "file", where: "lab.yaml:3:3" }]);
    const note = "cluster two (lab.yaml:3:3) stays removed: edge-lb add two brings it back";
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: true, changes: [], notes: [note] });
    expect(lab.lines).toContain(`reload (SIGHUP): ${note}`);
    expect(lab.clusters()).toEqual(["hub file"]);
    await lab.reload.change({ why: "add two", edit: (layer) => forgetCluster(layer, "two") });
    expect(lab.clusters()).toEqual(["hub file", "two file"]);
  });

  test("may remove the last one", async () => {
    const lab = bench(HUB);
    expect(await lab.reload.change(rm("hub", true))).toMatchObject({ ok: true, changes: ["cluster hub removed"] });
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: true });
  });

  test("forgets a removal once the file does not have the cluster any more", async () => {
    const lab = bench(TWO);
    await lab.reload.change(rm("two", true));
    lab.write(HUB);
    await lab.reload.reload("SIGHUP");
    lab.write(TWO);
    await lab.reload.reload("SIGHUP");
    expect(lab.clusters()).toEqual(["hub file", "two file"]);
  });
});

describe("A1: a node that becomes edge-lb's own address while it runs", () => {
  test("refuses no change of anything else, and a reload neither", async () => {
    const lab = bench(TWO);
    lab.local = ["10.0.0.2"];
    const added = await lab.reload.change({ why: "add c", edit: (layer) => withCluster(layer, "c", "10.0.0.3") });
    expect(added).toMatchObject({ ok: true, changes: ["cluster c added"] });
    const gone = await lab.reload.change({ why: "rm hub", edit: (layer) => withoutCluster(layer, "hub", true) });
    expect(gone).toMatchObject({ ok: true });
    expect(lab.reload.below()?.clusters.map(({ name }) => name)).toEqual(["hub", "two"]);
    expect(await lab.reload.change({ why: "add hub", edit: (layer) => forgetCluster(layer, "hub") })).toMatchObject({
      ok: true,
    });
    lab.write(`${TWO}  three: { nodes: 10.0.0.4 }\n`);
    expect(await lab.reload.reload("SIGHUP")).toMatchObject({ ok: true, changes: ["cluster three added"] });
  });

  for (const [what, name, spec] of [
    ["brings to another cluster", "c", "10.0.0.2"],
    ["adds to the same cluster", "two", "10.0.0.2,10.0.0.9"],
  ] as const) {
    test(`refuses what a change ${what}`, async () => {
      const lab = bench(TWO);
      lab.local = ["10.0.0.2", "10.0.0.9"];
      const done = await lab.reload.change({ why: "add", edit: (layer) => withCluster(layer, name, spec) });
      expect(done.ok ? [] : done.errors.map(({ message }) => message)).toEqual([
        expect.stringContaining(
          `Cannot use node ${spec.split(",").at(-1)} for cluster "${name}": edge-lb itself listens`,
        ),
      ]);
    });
  }

  test("is refused when it is brought back, by its reason", async () => {
    const lab = bench(TWO);
    await lab.reload.change({ why: "rm two", edit: (layer) => withoutCluster(layer, "two", true) });
    lab.local = ["10.0.0.2"];
    expect(lab.reload.below()?.clusters.map(({ name }) => name)).toEqual(["hub", "two"]);
    const back = await lab.reload.change({ why: "add two", edit: (layer) => forgetCluster(layer, "two") });
    expect(back.ok ? "" : back.errors[0]?.message).toContain("edge-lb itself listens there");
  });
});

describe("handOver()", () => {
  const FILE = "clusters: { hub: 10.0.0.1 }\n";
  const adding = { why: "add lab", edit: (layer: RuntimeLayer) => withCluster(layer, "lab", "10.0.0.9") };

  test("refuses what was asked for meanwhile, since nobody would see it", async () => {
    const { reload, clusters } = bench(FILE);
    const given = reload.handOver(() => Promise.resolve("given"));
    const asked = [reload.change(adding), reload.reload("asked to")];
    expect(await given).toBe("given");
    for (const each of asked) await expect(each).rejects.toThrow("another one has just taken over");
    expect(clusters()).toEqual(["hub file"]);
  });

  test("does what was asked for meanwhile where it failed", async () => {
    const { reload, clusters } = bench(FILE);
    const given = reload.handOver(() => Promise.reject(new Error("killed")));
    const asked = reload.change(adding);
    await expect(given).rejects.toThrow("killed");
    expect(await asked).toMatchObject({ ok: true });
    expect(clusters()).toContain("lab runtime");
  });
});
