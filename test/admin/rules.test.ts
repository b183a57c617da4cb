/** Alert rules and dashboard ask for metrics, labels and values that there are; promtool agrees with rules and metrics. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { FAMILIES } from "../../src/admin/families.ts";
import { createMetrics } from "../../src/admin/metrics.ts";
import { openBoard } from "../../src/seam/board.ts";
import { command } from "../../scripts/lab/command.ts";
import { sampleStatus } from "./status-sample.ts";
import { SERVICES } from "../../src/seam/services.ts";

const FOLDER = new URL("../../.github/monitoring/", import.meta.url).pathname;
const read = (name: string): string => readFileSync(FOLDER + name, "utf8");
const exposition = (): Promise<string> => createMetrics(() => sampleStatus(), openBoard(1), SERVICES).text();

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}
const ALERTS = (parse(read("alerts.yaml")) as Rules).groups.flatMap(({ rules }) => rules);
/** Every question of the dashboard: of panels, variables and annotations. */
const QUESTIONS = [...read("dashboard.json").matchAll(/"(?:expr|definition)": ("(?:[^"\\]|\\.)*")/g)].map(
  ([, text]) => JSON.parse(text ?? '""') as string,
);

/** What Prometheus adds to every sample. */
const ADDED_LABELS = new Set(["job", "instance"]);

/** Values by label, by metric, of what edge-lb shows. */
async function shown(): Promise<ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>> {
  const metrics = new Map<string, Map<string, Set<string>>>();
  for (const line of (await exposition()).split("\n")) {
    const [, name = "", labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === "") continue;
    const known = metrics.get(name) ?? new Map<string, Set<string>>();
    metrics.set(name, known);
    for (const [, label = "", value = ""] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      known.set(label, (known.get(label) ?? new Set()).add(value));
    }
  }
  return metrics;
}

/** Metrics with their selectors: `name` and `label=value` pairs. */
function selectors(expr: string): readonly { readonly name: string; readonly pairs: readonly RegExpMatchArray[] }[] {
  return [...expr.matchAll(/\b((?:edge_lb|process)_\w+)(?:\{([^}]*)\})?/g)].map(([, name = "", inside = ""]) => ({
    name,
    pairs: [...inside.matchAll(/(\w+)(=~|=)"([^"]*)"/g)],
  }));
}

const ASKED: readonly (readonly [string, string])[] = [
  ...ALERTS.map(({ alert, expr }) => [alert, expr] as const),
  ...QUESTIONS.map((expr, at) => [`dashboard question ${at}`, expr] as const),
];

describe("the alert rules and the dashboard", () => {
  test("are read", () => {
    expect(ALERTS.length).toBeGreaterThan(8);
    expect(QUESTIONS.length).toBeGreaterThan(20);
    expect(QUESTIONS.every((expr) => selectors(expr).length > 0)).toBe(true);
    expect(JSON.parse(read("dashboard.json"))).toMatchObject({ title: "edge-lb", uid: "edge-lb" });
  });

  test.each(ASKED)("%s asks for metrics, labels and values that there are", async (_, expr) => {
    const metrics = await shown();
    for (const { name, pairs } of selectors(expr)) {
      const labels = metrics.get(name);
      expect(labels, name).toBeDefined();
      for (const [, label = "", operator, value = ""] of pairs) {
        if (ADDED_LABELS.has(label)) continue;
        expect([...(labels?.keys() ?? [])], `${name}{${label}}`).toContain(label);
        if (value.startsWith("$")) continue;
        for (const each of operator === "=~" ? value.split("|") : [value]) {
          expect([...(labels?.get(label) ?? [])], `${name}{${label}="${each}"}`).toContain(each);
        }
      }
    }
  });

  test("make use of most of what is shown", () => {
    const asked = new Set(ASKED.flatMap(([, expr]) => selectors(expr).map(({ name }) => name.replace(/_bucket$/, ""))));
    expect(FAMILIES.filter(({ name }) => asked.has(name)).length).toBeGreaterThan(FAMILIES.length / 2);
  });
});

describe("promtool", () => {
  test.each([
    ["check rules", ["check", "rules", `${FOLDER}alerts.yaml`]],
    ["test rules", ["test", "rules", `${FOLDER}alerts.test.yaml`]],
  ])("%s", async (_, args) => {
    const { code, out, err } = await command(["promtool", ...args]);
    expect([code, err + (code === 0 ? "" : out)]).toEqual([0, ""]);
  });

  test("check metrics", async () => {
    const { code, out, err } = await command(["promtool", "check", "metrics"], { input: await exposition() });
    expect([code, out, err]).toEqual([0, "", ""]);
  });
});
