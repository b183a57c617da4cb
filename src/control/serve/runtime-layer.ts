/** What was added and removed while running. It lies over file and flags, survives a reload and ends with the process. */
import type { RuntimeLayer } from "../../config/load.ts";

/** @param spec As behind `--cluster NAME=`. */
export function withCluster(layer: RuntimeLayer, name: string, spec: string): RuntimeLayer {
  const { added, ...rest } = forgetCluster(layer, name);
  return { ...rest, added: [...added, `${name}=${spec}`] };
}

/** Gone, whichever layer it came from. @param below Whether file or flags have it too. */
export function withoutCluster(layer: RuntimeLayer, name: string, below: boolean): RuntimeLayer {
  const removed = new Set(layer.removed);
  if (below) removed.add(name);
  return { ...layer, added: addedBut(layer, name), removed };
}

/** As if it had never been touched: file and flags decide. */
export function forgetCluster(layer: RuntimeLayer, name: string): RuntimeLayer {
  const removed = new Set(layer.removed);
  removed.delete(name);
  return { ...layer, added: addedBut(layer, name), removed };
}

/** Removed clusters that file and flags no longer have are not removed any more: should they come back, they count. */
export function onlyKnown(layer: RuntimeLayer, below: ReadonlySet<string>): RuntimeLayer {
  return { ...layer, removed: new Set([...layer.removed].filter((name) => below.has(name))) };
}

function addedBut({ added }: RuntimeLayer, name: string): readonly string[] {
  return added.filter((text) => !text.startsWith(`${name}=`));
}
