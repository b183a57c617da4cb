/** `edge-lb certs`: who shows which certificate until when, the first to expire first. */
import type { CertificateHealth } from "../../control/health/view.ts";
import { liveCommand, JSON_OUTPUT } from "../live/live-command.ts";
import { table } from "../terminal/table.ts";

export const CERTS = liveCommand(
  {
    name: "certs",
    help: "Show which node shows which certificate until when",
    options: { json: JSON_OUTPUT },
    synonyms: ["certificates", "cert"],
    question: () => ({ method: "GET", path: "certificates" }),
  },
  ({ certificates }: { readonly certificates: readonly CertificateHealth[] }) =>
    certificatesText(certificates, Date.now()),
);

const DAY_MS = 86_400_000;
/** Of a certificate's names; `--json` has them all. */
const NAMES_MOST = 3;

export function certificatesText(certificates: readonly CertificateHealth[], nowMs: number): string {
  if (certificates.length === 0) return "no node has shown a certificate yet\n";
  const rows = certificates
    .toSorted((a, b) => a.notAfter.localeCompare(b.notAfter))
    .map(({ cluster, family, node, notAfter, names, identity }) => [
      cluster,
      family,
      node,
      notAfter.slice(0, 10),
      leftText(Date.parse(notAfter) - nowMs),
      `${namesText(names)}${identity === "foreign" ? " (another cluster's)" : ""}`,
    ]);
  return table([["CLUSTER", "SHOWN BY", "NODE", "UNTIL", "LEFT", "NAMES"], ...rows]);
}

function leftText(ms: number): string {
  if (ms <= 0) return "expired";
  return ms < DAY_MS ? `${Math.floor(ms / 3_600_000)}h` : `${Math.floor(ms / DAY_MS)}d`;
}

function namesText(names: readonly string[]): string {
  const more = names.length - NAMES_MOST;
  return `${names.slice(0, NAMES_MOST).join(", ")}${more > 0 ? `, ${more} more` : ""}`;
}
