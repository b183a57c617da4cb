/** The configuration, resolved: no optional fields, no text left to parse, units in the names. The option table says what is in it. */
import type { Service } from "../seam/services.ts";
import type { CLUSTER } from "./options/cluster-options.ts";
import type { ClusterEntry, Layer } from "./layers/layers.ts";
import type { Resolved } from "./options/option-group.ts";
import type { BASE, SETTINGS } from "./options/options.ts";
import type { Tree } from "./layers/yaml.ts";

export type Config = Resolved<typeof SETTINGS> & {
  /** The file read, or null. */
  readonly file: string | null;
  /** What the file said: changes of single clusters build on it, whatever has become of the file since. */
  readonly fromFile: Tree | null;
  readonly clusters: readonly ClusterConfig[];
  /** Clusters of file and flags that were removed while running. */
  readonly removed: readonly Pick<ClusterEntry, "name" | "layer" | "where">[];
  /** The built-in services, listened to or not, then those that `listen` adds. Each stands at its own index. */
  readonly services: readonly Service[];
  /** The address was asked for; else it is the usual one, and edge-lb runs without where somebody else has it. */
  readonly adminGiven: boolean;
  /** The path was asked for; else it is the usual one, and edge-lb runs without where that cannot be had. */
  readonly controlGiven: boolean;
};

export type Timeouts = Config["timeouts"];
export type EngineChoice = Config["engine"];
export type RingChoice = Config["ring"];
export type LogFormat = Config["log"];

/** What clusters take over where they say nothing themselves. */
export type ClusterBase = Resolved<typeof BASE>;

export type ClusterConfig = Resolved<typeof CLUSTER> &
  Omit<ClusterBase, "domain"> & {
    readonly name: string;
    readonly layer: Layer;
    /** `file:line:column` or the flag, for messages. */
    readonly where: string;
  };
