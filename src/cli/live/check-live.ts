/** `edge-lb check --live`: whether this machine, DNS and the nodes are as the configuration needs them. */
import type { FlagText } from "../../config/layers/layers.ts";
import type { Config } from "../../config/model.ts";
import { runLiveCheck } from "../../check-live/findings.ts";
import { systemEnvironment, type LiveEnvironment } from "../../check-live/environment.ts";
import type { Finding, FindingGroup, Grade } from "../../check-live/finding.ts";
import { findClient } from "./client.ts";
import { EXIT } from "../terminal/exit-code.ts";
import type { Io } from "../terminal/io.ts";

/** @returns 1 when something breaks service */
export async function checkLive(
  config: Config,
  flags: readonly FlagText[],
  io: Io,
  environment?: LiveEnvironment,
): Promise<number> {
  const groups = await runLiveCheck(
    config,
    environment ?? systemEnvironment(await runningPid(flags, io), typedText(flags)),
  );
  io.out(`\n${liveText(groups)}`);
  return count(groups, "fail") === 0 ? EXIT.done : EXIT.failed;
}

/** What makes the clusters and their names; values with a blank or a star in quotes, as a shell wants them. */
const TELLING = new Set(["config", "cluster", "domain", "listen"]);

function typedText(flags: readonly FlagText[]): string {
  const quoted = (text: string): string =>
    /^[\w@%+=:,./[\]-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  return flags
    .filter(({ flag }) => TELLING.has(flag))
    .map(({ flag, text }) => `--${flag} ${quoted(text)}`)
    .join(" ");
}

/** Grouped; below each finding that is not good what to do about it, once for neighbours with the same remedy. */
export function liveText(groups: readonly FindingGroup[]): string {
  const blocks = groups.map(({ title, findings }) => `${title}\n${findings.map(findingLines).join("")}`);
  const [fine, warnings, failures] = [count(groups, "ok"), count(groups, "warn"), count(groups, "fail")];
  const total = `${fine} ok, ${warnings} ${warnings === 1 ? "warning" : "warnings"}, ${failures} ${failures === 1 ? "failure" : "failures"}\n`;
  return `${blocks.join("\n")}\n${total}`;
}

function findingLines({ grade, text, remedy }: Finding, at: number, all: readonly Finding[]): string {
  const next = all[at + 1]?.remedy ?? [];
  const same = remedy.join("\n") === next.join("\n");
  const lines = (same ? [] : remedy).map((line) => `          ${line}\n`);
  return `  ${grade.padEnd(4)}  ${text}\n${lines.join("")}`;
}

function count(groups: readonly FindingGroup[], grade: Grade): number {
  return groups.flatMap(({ findings }) => findings).filter((finding) => finding.grade === grade).length;
}

/** The edge-lb that runs here; one that may not be asked is found by its ports. */
async function runningPid(flags: readonly FlagText[], io: Io): Promise<number | null> {
  try {
    const client = await findClient(flags, io);
    if (client === null) return null;
    const status = await client.ask("GET", "status").finally(() => client.close());
    const pid = typeof status === "object" && status !== null && "pid" in status ? status.pid : null;
    return typeof pid === "number" ? pid : null;
  } catch {
    return null;
  }
}
