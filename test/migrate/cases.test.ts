import { describe, expect, test } from "bun:test";
import { importHaproxy } from "../../src/migrate/import.ts";
import { evaluate, type Outcome } from "../../src/migrate/source/evaluator.ts";
import { Edge } from "../../src/migrate/verify/edge.ts";
import { nodesReached, verifyImport } from "../../src/migrate/verify/verify.ts";
import { edgeLb } from "../cli/running.ts";
import { CASES, readBesideCases, type Question } from "./cases.ts";
import { loadYaml } from "./fixtures.ts";

function nodesOf(outcome: Outcome, port: number): string {
  if (outcome.kind === "tls-ends") return "TLS ends";
  if (outcome.kind === "redirect-https") return "redirect";
  if (outcome.kind === "answer") return "answer";
  if (outcome.kind !== "backend") return "refused";
  return nodesReached(outcome.backend, port, new Map()) || "refused";
}

describe.each(CASES)("the case $name", ({ name, text, exit, clusters, questions }) => {
  const result = importHaproxy({
    file: `${name}.cfg`,
    text,
    environment: new Map(),
    readSide: readBesideCases,
    domains: [],
    isRead: () => true,
  });

  test("has the clusters that a person would cut", () => {
    expect(result.groups.map((group) => group.name)).toEqual([...clusters]);
  });

  test.each(questions.map((question) => [`${question.service} ${question.name}`, question] as const))(
    "leads %s where HAProxy does, or says why not",
    (_, { service, frontend, name: asked, ...want }: Question) => {
      const survey = result.surveys.find(
        ({ entry }) => entry.kind === service && (frontend === null || entry.proxy.name === frontend),
      );
      if (survey === undefined) throw new Error(`no listener for ${service}`);
      const { entry, client } = survey;
      const port = entry.binds[0]?.port ?? 0;
      const speaks = service === "http" ? "http" : "tls";
      const outcome = evaluate(result.source, { proxy: entry.proxy, port, name: asked, client, speaks });
      const config = loadYaml(result);
      const { reached } = new Edge(config, new Map()).answer(service, asked, client);
      const reason = verifyImport(result, config).differences.find(
        (one) => one.listener === service && one.frontend === entry.proxy.name && one.name === asked,
      )?.reason;
      expect({ source: nodesOf(outcome, port), edge: reached || "refused", reason: reason?.code ?? null }).toEqual(
        want,
      );
    },
  );

  test(`ends with ${exit}, and explains every difference`, async () => {
    const { code, err } = await edgeLb(["import", "source.cfg", "--verify"], {
      "source.cfg": text,
      "tenants.lst": readBesideCases("tenants.lst") ?? "",
    });
    expect([code, err.includes("NOT EXPLAINED")]).toEqual([exit, false]);
  });
});
