/** Whose certificates the nodes show, until when, and whether their clocks agree with this one. */
import { misfitText } from "../control/health/certificate-warnings.ts";
import { certifiedDomain, expiry } from "../core/health/identity.ts";
import type { Seen } from "./nodes.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** Dates have whole seconds and answers take a while. */
const SKEW_MS = 5_000;

/** @param seen Of one cluster. @param domain Its domain; null: not known. */
export function certificateFindings(seen: readonly Seen[], wallMs: number, domain: string | null): readonly Finding[] {
  const foreign = seen.flatMap(({ node, group, identity }) =>
    identity?.kind === "foreign"
      ? [
          fail(
            `${node} shows ${identity.cluster}'s ${group.name} certificate: its address belongs to another cluster now`,
            `correct the nodes of the two clusters, or give ${node} a fixed address: virsh net-update`,
          ),
        ]
      : [],
  );
  const misfit = seen
    .filter(({ identity }) => identity?.kind === "unproven")
    .map(({ certificate }) => (certificate === null ? null : certifiedDomain(certificate)))
    .find((other) => other !== null);
  const early = seen
    .filter(({ clock }) => clock.notBeforeMs !== null && clock.notBeforeMs > wallMs)
    .map(({ node, group, clock }) =>
      fail(
        `${node}: its ${group.name} certificate is valid only from ${day(clock.notBeforeMs ?? 0)}; this clock may be slow`,
        "sudo chronyc makestep",
      ),
    );
  return [
    ...foreign,
    ...(domain === null || misfit === undefined ? [] : [fail(misfitText(domain, misfit), `domain=${misfit}`)]),
    ...early,
    ...[...new Set(seen.map(({ group }) => group))].flatMap((group) => ends(group, seen, wallMs)),
  ];
}

/** One line per group: the first certificate to end. */
function ends(group: Seen["group"], seen: readonly Seen[], wallMs: number): readonly Finding[] {
  const own = seen.filter((each) => each.group === group && each.identity?.kind !== "foreign");
  const [first] = own
    .flatMap(({ node, certificate }) => (certificate === null ? [] : [{ node, at: certificate.notAfterMs }]))
    .sort((a, b) => a.at - b.at);
  if (first === undefined || !Number.isFinite(first.at)) return [];
  const approve = "oc get csr -o name | xargs oc adm certificate approve";
  switch (expiry(first.at, wallMs)) {
    case "expired":
      return [fail(`${group.name} certificate expired on ${day(first.at)} (${first.node})`, approve)];
    case "soon":
      return [warn(`${group.name} certificate ends on ${day(first.at)} (${first.node})`, approve)];
    default:
      return [ok(`${group.name} certificate until ${day(first.at)}`)];
  }
}

/** Nodes whose clock is off: their tokens and certificates are not valid yet, or not any more. */
export function clockFindings(seen: readonly Seen[]): readonly Finding[] {
  const skews = new Map<string, number>();
  for (const { node, clock, askedMs } of seen) {
    if (clock.dateMs === null) continue;
    const skew = clock.dateMs - askedMs;
    if (Math.abs(skew) > Math.abs(skews.get(node) ?? 0)) skews.set(node, skew);
  }
  return [...skews]
    .filter(([, skew]) => Math.abs(skew) > SKEW_MS)
    .map(([node, skew]) => {
      const seconds = Math.round(Math.abs(skew) / 1_000);
      const text = `${node}: its clock is ${seconds}s ${skew > 0 ? "ahead of" : "behind"} this machine's`;
      return warn(text, `ssh core@${node} sudo chronyc makestep`, "or here: sudo chronyc makestep");
    });
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
