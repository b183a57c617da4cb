/** What one pattern of an ACL or map means in names, and what is wrong with it. */
import type { ServiceName } from "../../seam/services.ts";
import type { MatchMethod } from "../source/samples.ts";
import { matchText } from "../source/matching.ts";
import {
  isName,
  labelName,
  matchesLabel,
  matchesName,
  sampleOf,
  type Draft,
  type Fault,
  type FaultCode,
  type LabelName,
  type Meaning,
} from "./meaning.ts";
import { nearMisses } from "./near-misses.ts";
import { regexShapes } from "./regex-shape.ts";
import { shapeMeaning } from "./shape-meaning.ts";
import { roleFor } from "./services.ts";

/** Null: this pattern does not say names. */
export function patternMeaning(method: MatchMethod, text: string, ignoreCase: boolean): Meaning | null {
  const takes = (name: string): boolean => matchText(method, text, name, ignoreCase) === true;
  const found = findMeaning(method, text);
  if (found === null || (found.names.length === 0 && found.labels.length === 0)) return null;
  const means = (name: string): boolean =>
    found.names.some((pattern) => matchesName(pattern, name)) ||
    found.labels.some((label) => matchesLabel(label, name));
  const withCase = ignoreCase ? found.faults : [...found.faults, ...caseFault(text)];
  return { ...found, faults: withCase.map((fault) => withWitness(fault, found.names, takes, means)), means, takes };
}

/** A test on one label of the name, counted from 1: `x.apps.HUB.…` has it third, `api.HUB.…` second. */
export function labelMeaning(method: MatchMethod, text: string, at: number, service: ServiceName): Meaning | null {
  const kind = roleFor(service) === "api" ? "api" : "apps";
  if (method !== "str" || at !== (kind === "api" ? 2 : 3) || !isName(text) || text.includes(".")) return null;
  const label: LabelName = { kind, label: text.toLowerCase() };
  const fault: Fault = { code: "prefix", why: "it looks at one label only, whatever stands around it" };
  return {
    names: [],
    labels: [label],
    faults: [fault],
    means: (name) => matchesLabel(label, name),
    takes: (name) => name.split(".")[at - 1] === text,
  };
}

function findMeaning(method: MatchMethod, text: string): Draft | null {
  const lower = text.toLowerCase();
  switch (method) {
    case "str":
      return exactMeaning(lower);
    case "end":
      return endMeaning(lower);
    case "beg":
      return begMeaning(lower);
    case "sub":
    case "dom":
      return insideMeaning(lower, method);
    case "reg":
      return regexMeaning(text);
    default:
      return null;
  }
}

function exactMeaning(text: string): Draft | null {
  const [, host = text, port] = /^(.+):(\d+)$/.exec(text) ?? [];
  const faults: Fault[] = [];
  if (port !== undefined) faults.push({ code: "host-port", why: `only a Host with the port ${port} in it matches` });
  if (host.startsWith("*.") && isName(host.slice(2))) {
    faults.push({ code: "literal-star", why: "an exact match with a star never matches a name; -m end was meant" });
    return { names: [host], labels: [], faults };
  }
  return isName(host) ? { names: [host], labels: [], faults } : null;
}

function endMeaning(text: string): Draft | null {
  const name = text.replace(/^\.+/, "");
  if (!isName(name)) return null;
  if (text.startsWith(".")) return { names: [`*.${name}`], labels: [], faults: [] };
  return {
    names: [name, `*.${name}`],
    labels: [],
    faults: [{ code: "no-boundary", why: "it does not start at a dot" }],
  };
}

function begMeaning(text: string): Draft | null {
  const label = labelName(text);
  if (label === null) return null;
  const faults: Fault[] = [{ code: "prefix", why: "it looks at the start only, whatever domain follows" }];
  return { names: [], labels: [label], faults };
}

function insideMeaning(text: string, method: "sub" | "dom"): Draft | null {
  const label = labelName(text);
  const faults: Fault[] = [{ code: "substring", why: "it matches anywhere inside a name" }];
  if (label !== null) return { names: [], labels: [label], faults };
  const name = text.replace(/^\.+|\.+$/g, "");
  if (!isName(name) || text.endsWith(".")) return null;
  if (!name.includes(".")) {
    return {
      names: [],
      labels: [
        { kind: "api", label: name },
        { kind: "apps", label: name },
      ],
      faults,
    };
  }
  const names = text.startsWith(".") && method === "sub" ? [`*.${name}`] : [name, `*.${name}`];
  return { names, labels: [], faults };
}

function regexMeaning(text: string): Draft | null {
  const shapes = regexShapes(text);
  if (shapes === null) return null;
  const drafts = shapes.map(shapeMeaning);
  const known = drafts.filter((draft): draft is Draft => draft !== null);
  if (known.length !== drafts.length || known.length === 0) return null;
  const faults = new Map(known.flatMap((draft) => draft.faults.map((fault) => [fault.code, fault] as const)));
  return {
    names: [...new Set(known.flatMap((draft) => draft.names))],
    labels: known.flatMap((draft) => draft.labels),
    faults: [...faults.values()],
  };
}

function caseFault(text: string): Fault[] {
  if (!/[a-z]/i.test(text) || text.startsWith("(?i)")) return [];
  return [{ code: "case", why: "without -i a client that writes capital letters is not matched" }];
}

/** Adds a name that shows the fault, where one is found. */
function withWitness(
  fault: Fault,
  names: readonly string[],
  takes: (name: string) => boolean,
  means: (name: string) => boolean,
): Fault {
  if (["case", "literal-star", "host-port"].includes(fault.code)) return fault;
  const samples = names.map(sampleOf);
  if (fault.code === "one-label") {
    const deeper = names.filter((name) => name.startsWith("*.")).map((name) => `a.b.${name.slice(2)}`);
    const missed = deeper.find((name) => !takes(name));
    return missed === undefined ? fault : { ...fault, why: `${fault.why}: ${missed} is refused` };
  }
  const wrong = samples
    .flatMap(nearMisses)
    .find((name) => takes(name) && !means(name) && shows(fault.code, name, samples));
  return wrong === undefined ? fault : { ...fault, why: `${fault.why}: ${wrong} is taken too` };
}

/** Whether a wrongly taken name is an example of this fault and not of another one of the same pattern. */
function shows(code: FaultCode, name: string, samples: readonly string[]): boolean {
  if (code === "unanchored-end") return samples.some((sample) => name.startsWith(sample));
  if (code === "unanchored-start" || code === "no-boundary") return samples.some((sample) => name.endsWith(sample));
  return code !== "any-character" || samples.some((sample) => name.length === sample.length);
}
