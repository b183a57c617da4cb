/** Samples that stand for another one: variables and captures. */
import type { Source } from "./configuration.ts";
import { isNameSample } from "./fetches.ts";
import type { Proxy } from "./proxies.ts";
import type { Sample } from "./samples.ts";
import type { Step } from "./steps.ts";

/** A variable that is set from another one, and so on, further than any person follows. */
const DEPTH_MOST = 8;

/**
 * The sample that gives the client's name behind `var(…)` and `capture.req.hdr(N)`, with all converters on the way.
 * Null: it does not give the name.
 */
export function nameSample(source: Source, proxy: Proxy, sample: Sample, depth = 0): Sample | null {
  if (isNameSample(sample)) return sample;
  if (depth > DEPTH_MOST) return null;
  for (const step of keptBy(source, proxy, sample)) {
    const kept = step.sample === null ? null : nameSample(source, proxy, step.sample, depth + 1);
    if (kept !== null) return { fetch: kept.fetch, converters: [...kept.converters, ...sample.converters] };
  }
  return null;
}

/** The steps that may have kept what the sample reads: of the proxy itself first. */
function keptBy(source: Source, proxy: Proxy, { fetch }: Sample): Step[] {
  const own = captures(proxy)[Number(fetch.args[0])];
  if (fetch.name === "capture.req.hdr") return own === undefined ? [] : [own];
  if (fetch.name !== "var") return [];
  return [proxy, ...source.proxies]
    .flatMap(({ steps }) => steps)
    .filter(({ effect, variable }) => effect === "set" && variable === fetch.args[0]);
}

/** By their numbers. */
export function captures(proxy: Proxy): Step[] {
  return proxy.steps.filter(({ effect }) => effect === "capture");
}
