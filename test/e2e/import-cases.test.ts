import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { formatEndpoint } from "../../src/core/address.ts";
import { importHaproxy } from "../../src/migrate/import.ts";
import type { ImportResult } from "../../src/migrate/plan/plan.ts";
import { writeYaml } from "../../src/migrate/write.ts";
import { command } from "../../scripts/lab/command.ts";
import { openTwoMachines, whyNoNetwork, type TwoMachines } from "../../scripts/lab/netns.ts";
import { CASES, CASES_FOLDER, readBesideCases, type Case, type Question } from "../migrate/cases.ts";
import type { Answers, Ask, Job } from "../support/import-lab.ts";

const why = whyNoNetwork();
if (why !== null) console.error(`import-cases: skipped, ${why}`);

/** HAProxy 2.x refuses 09 and 31, 13b and 44 are races, 16 names a certificate that is not there, and 24 leads nowhere. */
const NOT_RUN = ["09-", "13b-", "16-", "24-", "31-", "44-"];
/** edge-lb itself is started for the shapes whose keys differ most; for all of them its route table is asked by the unit tests. */
const WITH_EDGE = ["01-", "02-", "08-", "10-", "14-", "17-", "20-", "25-", "26-", "27-", "28-", "29-"];
const RUN = CASES.filter(({ name }) => !NOT_RUN.some((start) => name.startsWith(start)));

function importCase({ name, text }: Case): ImportResult {
  const [file, environment] = [`${name}.cfg`, new Map<string, string>()];
  return importHaproxy({ file, text, environment, readSide: readBesideCases, domains: [], isRead: () => false });
}

function askOf(result: ImportResult, { service, frontend, name }: Question): Ask {
  const entry = result.entries.find(({ kind, proxy }) => kind === service && (frontend ?? proxy.name) === proxy.name);
  const bind = entry?.binds[0];
  if (bind === undefined) throw new Error(`no listener for ${service}`);
  return {
    ip: bind.ip === "" ? "127.0.0.1" : bind.ip,
    port: bind.port,
    speaks: service === "http" ? "http" : "tls",
    name,
  };
}

interface Run {
  readonly job: Job;
  /** `ip:port` of nodes that are other machines. */
  readonly far: readonly string[];
}

function runOf(one: Case): Run {
  const result = importCase(one);
  const servers = result.source.proxies.flatMap((proxy) => proxy.servers);
  const nodes = servers.flatMap(({ host, port }) => (port === null ? [] : [formatEndpoint(host, port)]));
  const own = nodes.filter((node) => node.startsWith("127."));
  const asks = one.questions.map((question) => askOf(result, question));
  const yaml = WITH_EDGE.some((start) => one.name.startsWith(start)) ? writeYaml(result.imported, one.name) : null;
  return {
    job: { source: one.text, yaml, folder: CASES_FOLDER, nodes: own, asks },
    far: nodes.filter((node) => !own.includes(node)),
  };
}

const LAB = new URL("../support/import-lab.ts", import.meta.url).pathname;

describe.skipIf(why !== null)("the cases beside a real HAProxy", () => {
  const runs = RUN.map(runOf);
  let net: TwoMachines;
  let nodes: ReturnType<typeof Bun.spawn> | undefined;
  let answers: Answers[];

  beforeAll(async () => {
    const far = [...new Set(runs.flatMap((run) => run.far))];
    const near = runs.flatMap(({ job }) => job.asks.map(({ ip }) => ip)).filter((ip) => !ip.startsWith("127."));
    net = openTwoMachines(
      [...new Set(near)],
      [...new Set(far.map((node) => node.replace(/^\[?([^\]]+)\]?:\d+$/, "$1")))],
    );
    const child = Bun.spawn([...net.far, process.execPath, LAB, "nodes", ...far], {
      stdout: "pipe",
      stderr: "inherit",
    });
    nodes = child;
    await child.stdout.getReader().read();
    const jobs = JSON.stringify(runs.map(({ job }) => job));
    const { code, out, err } = await command([net.near, process.execPath, LAB, "ask"], {
      input: jobs,
      timeoutMs: 170_000,
    });
    if (code !== 0) throw new Error(err);
    answers = JSON.parse(out) as Answers[];
  }, 180_000);
  afterAll(() => {
    nodes?.kill();
    net?.close();
  });

  test.each(RUN.map((one, at) => [one.name, one, at] as const))("%s is answered as said", (_, one, at) => {
    const { source, edge } = answers[at] ?? { source: [], edge: [] };
    const show = (answer: string, wanted: string): string => (wanted.split(" ").includes(answer) ? wanted : answer);
    const got = one.questions.map((question, index) => ({
      ...question,
      source: show(source[index] ?? "", question.source),
      edge: show(edge[index] ?? question.edge, question.edge),
    }));
    expect(got).toEqual([...one.questions]);
  });
});
