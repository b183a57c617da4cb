/** Clusters added and removed while running, and written back to the file on request. */
import type { RuntimeLayer } from "../../config/load.ts";
import type { ClusterConfig } from "../../config/model.ts";
import { readDomain } from "../../config/values/names.ts";
import { quote } from "../../config/values/text.ts";
import { removeCluster, setCluster } from "../../config/layers/yaml-edit.ts";
import { EdgeError } from "../../errors.ts";
import { activeOf } from "../../seam/board.ts";
import { editFile } from "../files/edit-file.ts";
import { operatorErrors, type Reload, type ReloadResult } from "../serve/reloader.ts";
import { forgetCluster, withCluster, withoutCluster } from "../serve/runtime-layer.ts";
import type { EventLog } from "../log/event-log.ts";
import type { Facts } from "../serve/facts.ts";
import type { Supervisor } from "../serve/supervisor.ts";

export type ChangeResult = ReloadResult & {
  /** Connections to nodes that the change takes away. */
  readonly active?: number;
  /** Time that they get, in seconds. */
  readonly cutSeconds?: number;
  /** Where file or flags still have what was removed; null: nowhere. */
  readonly stillIn?: string | null;
  /** The file that was written; null: none was to be. */
  readonly saved?: string | null;
};

/** What is served, and which of it leaves by itself. */
type Served = Facts & Pick<Supervisor, "expiry">;

/** A cluster as file or flags have it. */
type Below = Pick<ClusterConfig, "where" | "layer">;

type Edit = (text: string) => string | null;

export class ClusterChanges {
  private readonly facts: Served;
  private readonly reload: Reload;

  constructor(facts: Served, reload: Reload) {
    this.facts = facts;
    this.reload = reload;
  }

  async put(text: string, spec: string, save: boolean): Promise<ChangeResult> {
    const name = clusterName(text);
    const file = save ? this.fileFor(name) : null;
    const done = await this.reload.change({ why: `add ${name}`, edit: (layer) => withCluster(layer, name, spec) });
    if (done.ok) this.facts.expiry.renew(name);
    return file === null || !done.ok
      ? done
      : this.save(name, file, done, (was) => setCluster(was, name, spec, this.facts.config.services));
  }

  /** @throws EdgeError NOT_FOUND where only `add` and `rm` ever knew it */
  async restore(text: string): Promise<ChangeResult> {
    const name = clusterName(text);
    if (this.fromBelow(name) === undefined) {
      throw new EdgeError("NOT_FOUND", `Cannot bring cluster ${quote(name)} back: neither file nor flags have it`, {
        hint: `edge-lb add ${name}=NODE,... adds one`,
      });
    }
    return this.reload.change({ why: `add ${name}`, edit: (layer) => forgetCluster(layer, name) });
  }

  /** What `ttl` and `until` end leaves as with `rm`. @param due Why, by cluster */
  async expire(due: ReadonlyMap<string, string>, log: EventLog): Promise<void> {
    for (const [name, said] of due) {
      const below = this.fromBelow(name) !== undefined;
      const edit = (layer: RuntimeLayer): RuntimeLayer => withoutCluster(layer, name, below);
      const done = await this.reload.change({ why: `expire ${name}`, edit, quiet: true });
      const seconds = this.facts.config.timeouts.drain / 1_000;
      const again = below ? `; edge-lb add ${name} brings it back` : "";
      const text = done.ok
        ? `(${said}), its tunnels get ${seconds}s${again}`
        : `but cannot leave: ${done.errors[0]?.message ?? ""}`;
      log.info("cluster expired", `cluster expired: ${name} ${text}`, { cluster: name });
    }
  }

  /** @param now Its tunnels get no time. */
  async delete(text: string, now: boolean, save: boolean): Promise<ChangeResult> {
    const name = clusterName(text);
    const plan = this.facts.snapshot.clusters.find((each) => each.name === name);
    if (plan === undefined) throw unknownCluster(name, this.facts);
    const file = save ? this.fileFor(name) : null;
    const cutAfterMs = now ? 0 : this.facts.config.timeouts.drain;
    const active = activeOf(this.facts.board, plan.cell);
    const below = this.fromBelow(name);
    const edit = (layer: RuntimeLayer): RuntimeLayer => withoutCluster(layer, name, below !== undefined);
    const changed = await this.reload.change({ why: `rm ${name}`, edit, cutAfterMs });
    const done = { ...changed, active, cutSeconds: cutAfterMs / 1_000, stillIn: below?.where ?? null };
    return file === null || !done.ok ? done : this.save(name, file, done, (was) => removeCluster(was, name));
  }

  /** The change is served already; from now on the file has it, so that the runtime layer need not. */
  private async save(name: string, file: string, done: ChangeResult, edit: Edit): Promise<ChangeResult> {
    try {
      editFile(file, edit);
    } catch (error) {
      return { ok: false, errors: operatorErrors(error).map((each) => servedUnsaved(name, each)) };
    }
    const settled = await this.reload.change({
      why: `save ${name}`,
      quiet: true,
      saved: true,
      edit: (layer) => forgetCluster(layer, name),
    });
    return settled.ok ? { ...done, saved: file, stillIn: null } : settled;
  }

  /** What file and flags say of a cluster, whatever was changed since. */
  private fromBelow(name: string): Below | undefined {
    const below = this.reload.below();
    if (below !== null) return below.clusters.find((cluster) => cluster.name === name);
    // they clash without what was changed: what is served, and what was removed from it, is what counts
    const { clusters, removed } = this.facts.config;
    return [...clusters, ...removed].find((cluster) => cluster.name === name && cluster.layer !== "runtime");
  }

  /** @throws EdgeError when saving could not have an effect */
  private fileFor(name: string): string {
    const { file } = this.facts.config;
    const what = `Cannot save cluster ${quote(name)}`;
    if (file === null) {
      throw new EdgeError("CONTROL_FAILED", `${what}: edge-lb was started without a file`, {
        hint: "start it with -c FILE",
      });
    }
    if (this.fromBelow(name)?.layer === "flags") {
      const why = "it is on the command line of edge-lb, which wins over the file";
      throw new EdgeError("CONTROL_FAILED", `${what}: ${why}`, { hint: "take it from there" });
    }
    // what is half written or emptied is not to be mended by one cluster
    this.reload.requireUsableFile();
    return file;
  }
}

function servedUnsaved(name: string, { code, message }: EdgeError): EdgeError {
  return new EdgeError(code, message, { hint: `the change of ${name} is served all the same, until a restart` });
}

function clusterName(text: string): string {
  const name = readDomain(text);
  if (name.ok) return name.value;
  throw new EdgeError("USAGE", `Cannot use cluster name ${quote(text)}: a DNS label or name such as hub wanted`);
}

function unknownCluster(name: string, { snapshot }: Facts): EdgeError {
  const names = snapshot.clusters.map((plan) => plan.name);
  const few = names.length <= 10 ? `there are ${names.join(", ")}` : `see edge-lb status`;
  return new EdgeError("NOT_FOUND", `Cannot remove cluster ${quote(name)}: there is no such cluster`, { hint: few });
}
