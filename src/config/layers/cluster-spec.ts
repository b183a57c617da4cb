/**
 * The grammar of a cluster: `ITEM[,ITEM...]` on the command line, keys in the file.
 * An ITEM without `=` continues the key before it; before any key it is a node of any role.
 */
import { CLUSTER, type ClusterKeys } from "../options/cluster-options.ts";
import { addText, describe, textsOf, type Texts } from "./option-texts.ts";
import type { Option } from "../options/option.ts";
import { serviceKeyEnds, serviceOfKey } from "./service-names.ts";
import { didYouMean, nearestWord, quote, type Located, type Problems } from "../values/text.ts";
import type { Tree } from "./yaml.ts";

/** Reads the keys of one cluster. */
export class ClusterReader {
  private readonly keys: ClusterKeys;
  /** For messages: `cluster "hub"`. */
  private readonly owner: string;
  private readonly problems: Problems;
  private readonly texts = new Map<Option<unknown>, Located[]>();

  constructor(name: string, keys: ClusterKeys, problems: Problems) {
    this.keys = keys;
    this.owner = `cluster ${quote(name)}`;
    this.problems = problems;
  }

  /** The items of `--cluster NAME=…`, or of a cluster written as one text in the file. */
  readItems({ text, where }: Located): Texts {
    /** Null: the key was unknown, and so are the items that continue it. */
    let option: Option<unknown> | null = CLUSTER.nodes;
    for (const part of text.split(",")) {
      const item = part.trim();
      const [key = "", ...rest] = item.split("=");
      if (rest.length > 0) {
        option = this.optionOf({ text: key, where });
        if (option !== null) this.addKey(option, { text: rest.join("="), where });
      } else if (option !== null) this.addItem(option, { text: item, where });
    }
    return this.texts;
  }

  /** The keys of `clusters.NAME` in the file. */
  readMap(tree: Tree): Texts {
    if (tree.kind !== "map") {
      this.problems.add(tree.where, `Cannot use ${this.owner}: ${describe(tree)} found, keys such as nodes: wanted`);
      return this.texts;
    }
    for (const { key, where, value } of tree.entries) {
      const option = this.optionOf({ text: key, where });
      if (option !== null) addText(this.texts, option, ...textsOf(value, option, this.problems));
    }
    return this.texts;
  }

  private optionOf({ text, where }: Located): Option<unknown> | null {
    const option = this.keys.get(text);
    if (option !== undefined) return option;
    const service = serviceOfKey(text);
    // of rke2-port the part that can be mistyped is rke2
    const meant =
      service === null || service === text ? didYouMean(text, this.keys.keys()) : this.meantBy(text, service);
    const unknown = `Cannot use key ${quote(text)} of ${this.owner}: not known`;
    if (service === null || meant !== undefined) this.problems.add(where, unknown, meant);
    else {
      const hint = `a service ${service} needs --listen ${service}=ADDR:PORT`;
      this.problems.add(where, `${unknown}, and no service ${service} has a listener`, hint);
    }
    return null;
  }

  /** The same key of a service with nearly this name. */
  private meantBy(key: string, service: string): string | undefined {
    const alike = [...this.keys.keys()].filter((known) => serviceKeyEnds(known) === serviceKeyEnds(key));
    const near = nearestWord(
      service,
      alike.map((known) => known.replace(serviceKeyEnds(key), "")),
    );
    return near === null ? undefined : `did you mean ${key.replace(service, near)}`;
  }

  private refuse(where: string, key: string, why: string, hint?: string): void {
    this.problems.add(where, `Cannot use ${key} of ${this.owner}: ${why}`, hint);
  }

  private addKey(option: Option<unknown>, at: Located): void {
    const key = option.item ?? "";
    if (at.text === "") this.refuse(at.where, key, `no value found, ${option.value} wanted`);
    else if (!option.many && this.texts.has(option)) this.refuse(at.where, key, "given twice, once wanted");
    else addText(this.texts, option, at);
  }

  private addItem(option: Option<unknown>, at: Located): void {
    const { text, where } = at;
    const key = this.keys.get(text);
    if (text === "") {
      this.problems.add(where, `Cannot use ${this.owner}: an empty item found, a node or KEY=VALUE wanted`);
    } else if (key !== undefined) this.refuse(where, text, `no value found, ${text}=${key.value} wanted`);
    else if (option.many) addText(this.texts, option, at);
    else {
      const hint = `put nodes first, or write nodes=${text}`;
      this.refuse(where, option.item ?? "", `${quote(text)} continues it, one value wanted`, hint);
    }
  }
}
