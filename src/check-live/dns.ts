/** Does every name that the clusters have lead here? Asked as any program on this machine would. */
import { isLoopback, isPrivate } from "../config/values/addresses.ts";
import { claimsOf, nameSetsOf, type NameSets } from "../config/clusters/claims.ts";
import type { ClusterConfig, Config } from "../config/model.ts";
import type { Service } from "../seam/services.ts";
import type { LiveEnvironment } from "./environment.ts";
import { fail, inParallel, ok, warn, type Finding } from "./finding.ts";
import { codeOf } from "../errors.ts";
import { allNodes, listenOf, namesOf } from "../config/clusters/service-settings.ts";

/** Questions at a time, how long one may take, and all of them. */
const AT_ONCE = 16;
const ONE_MS = 3_000;
const ALL_MS = 20_000;

interface Question {
  readonly cluster: ClusterConfig;
  /** The name as the operator knows it, `*.apps.D`. */
  readonly shown: string;
  /** A name that it covers. */
  readonly asked: string;
  readonly services: readonly Service[];
}

/** @param domains Given or learnt, by cluster. */
export async function checkDns(
  config: Config,
  domains: ReadonlyMap<string, string>,
  environment: LiveEnvironment,
): Promise<readonly Finding[]> {
  const nameless = config.clusters
    .filter((cluster) => !domains.has(cluster.name) && namesOf(cluster).length === 0)
    .map(({ name }) => warn(`${name}: its domain is not known, so no name was asked for`, `add domain=... to ${name}`));
  const sets = nameSetsOf(config.services);
  const questions = config.clusters.flatMap((cluster) => questionsOf(cluster, sets, domains.get(cluster.name) ?? null));
  const endMs = environment.wallMs() + ALL_MS;
  const findings = await inParallel(questions, AT_ONCE, async (question) =>
    environment.wallMs() > endMs
      ? warn(`${question.shown}: not asked, name servers take too long`)
      : judge(question, await ask(question.asked, environment), config, environment),
  );
  return [...findings, ...nameless];
}

function questionsOf(cluster: ClusterConfig, sets: NameSets, domain: string | null): readonly Question[] {
  return claimsOf(cluster, sets, domain)
    .filter(({ rule }) => rule === "exact" || rule === "below")
    .map(({ rule, name, services, vacant }) => ({
      cluster,
      services: [...services, ...vacant],
      shown: rule === "below" ? `*.${name}` : name,
      // every OpenShift cluster has this route, so a hosts file has it too
      asked: rule === "below" ? `console-openshift-console.${name}` : name,
    }));
}

/** Addresses, or why there are none. */
async function ask(name: string, { lookup }: LiveEnvironment): Promise<readonly string[] | string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("the name server does not answer"), ONE_MS);
  });
  try {
    return await Promise.race([lookup(name), late]);
  } catch (error) {
    const code = codeOf(error) ?? "";
    return /AGAIN|TIMEOUT|SERVFAIL/.test(code) ? "the name server does not answer" : "does not resolve";
  } finally {
    clearTimeout(timer);
  }
}

function judge(
  { cluster, shown, services }: Question,
  answer: readonly string[] | string,
  config: Config,
  environment: LiveEnvironment,
): Finding {
  const here = addressesFor(services, config, environment);
  const ip = here.find((each) => !isLoopback(each)) ?? here[0] ?? "ADDRESS";
  const remedy = `edge-lb dns --for ${ip} --format dnsmasq ${environment.typed}`.trimEnd();
  if (typeof answer === "string" || answer.length === 0) {
    const text = `${shown}: ${typeof answer === "string" ? answer : "does not resolve"}`;
    // nodes ask for api-int, and their name server need not be this machine's
    return shown.startsWith("api-int.") ? warn(text, remedy) : fail(text, remedy);
  }
  const elsewhere = answer.filter((ip) => !here.includes(ip));
  const list = answer.join(", ");
  if (elsewhere.length === 0) return ok(`${shown}: ${list}${answer.every(isLoopback) ? ", this machine alone" : ""}`);
  if (elsewhere.length < answer.length) {
    return warn(`${shown}: ${list}: edge-lb is not at ${elsewhere.join(", ")}, so some clients miss it`, remedy);
  }
  return allElsewhere(`${shown}: ${list}`, elsewhere, cluster, environment, remedy);
}

function allElsewhere(
  text: string,
  elsewhere: readonly string[],
  cluster: ClusterConfig,
  { addresses }: LiveEnvironment,
  remedy: string,
): Finding {
  const nodes = new Set(allNodes(cluster).map(({ host }) => host));
  if (elsewhere.some((ip) => nodes.has(ip))) return fail(`${text}: straight to a node, past edge-lb`, remedy);
  if (elsewhere.some((ip) => addresses.some((own) => own.ip === ip))) {
    return fail(`${text}: this machine, but edge-lb does not listen at that address`, remedy);
  }
  const behind = elsewhere.every((ip) => !isPrivate(ip)) && addresses.every(({ ip }) => isPrivate(ip));
  if (behind) return warn(`${text}: a public address; right if a router forwards it here`, remedy);
  return fail(`${text}: another machine`, remedy);
}

/** Where edge-lb listens for these services: the listeners' addresses, or every one of this machine. */
function addressesFor(services: readonly Service[], config: Config, { addresses }: LiveEnvironment): readonly string[] {
  const own = addresses.map(({ ip }) => ip);
  const bound = services.flatMap((service) => listenOf(config, service).map(({ ip }) => ip));
  return [...new Set(bound.flatMap((ip) => (ip === "" || ip === "::" || ip === "0.0.0.0" ? own : [ip])))];
}
