/** The report for people and for programs. */
import type { ImportResult } from "../plan/plan.ts";
import type { Difference, Verification } from "../verify/verify.ts";
import type { Note, NoteClass } from "../source/ledger.ts";
import { nextSteps } from "./next-steps.ts";

/** In the order of reading: what is lost, what is different, what was wrong before, and what is well. */
const TITLES: readonly (readonly [NoteClass, string])[] = [
  ["cannot", "Cannot be carried over"],
  ["changed", "Changed on purpose"],
  ["mistake", "Mistakes in the source"],
  ["not-needed", "Not needed"],
  ["carried", "Carried over"],
];
/** What asks nothing of the reader is shown on request. */
const QUIET: ReadonlySet<NoteClass> = new Set<NoteClass>(["not-needed", "carried"]);

export interface Report {
  /** Name of the source. */
  readonly file: string;
  readonly result: ImportResult;
  readonly verification: Verification;
  /** Whether the proof is shown in full. */
  readonly isProofTold: boolean;
  /** Where the configuration was written; null: to standard output. */
  readonly out: string | null;
}

/** How many notes of each class there are. */
export function countNotes(notes: readonly Note[]): Readonly<Record<NoteClass, number>> {
  const count = (wanted: NoteClass): number => notes.filter((note) => note.class === wanted).length;
  return {
    carried: count("carried"),
    "not-needed": count("not-needed"),
    changed: count("changed"),
    cannot: count("cannot"),
    mistake: count("mistake"),
  };
}

/** What to do next first; notes with one reason are one paragraph with all their lines. */
export function reportText(report: Report, { verbose }: { readonly verbose: boolean }): string {
  const { file, result, verification, isProofTold, out } = report;
  const { notes } = result;
  const next = nextSteps(result, file, out).map((step) => `  ${step}\n`);
  const paragraphs = TITLES.filter(([wanted]) => verbose || !QUIET.has(wanted)).flatMap(([wanted, title]) => {
    const groups = groupNotes(notes.filter((note) => note.class === wanted));
    return groups.length === 0 ? [] : [`${title}\n${groups.map((group) => paragraph(file, group)).join("")}`];
  });
  const counts = countNotes(notes);
  const summary = TITLES.map(([wanted, title]) => `${title.toLowerCase()}: ${counts[wanted]}`).join(", ");
  const proof = isProofTold ? [verificationText(verification)] : differencesText(verification);
  return `${[`Next\n${next.join("")}`, ...paragraphs, ...proof, `${file}: ${summary}`].join("\n")}\n`;
}

function groupNotes(notes: readonly Note[]): Note[][] {
  const groups = new Map<string, Note[]>();
  for (const note of notes) {
    const key = JSON.stringify([note.why, note.todo]);
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  return [...groups.values()];
}

function paragraph(file: string, group: readonly Note[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const todo = first.todo === null ? "" : `\n      ${first.todo}`;
  return `  ${file}:${lineNumbers(group)}: ${first.text}\n      ${first.why}${todo}\n`;
}

/** `13-16,31`. */
function lineNumbers(notes: readonly Note[]): string {
  const spans: { from: number; to: number }[] = [];
  for (const { line, lastLine } of notes) {
    const last = spans.at(-1);
    if (last !== undefined && line <= last.to + 1) last.to = Math.max(last.to, lastLine);
    else spans.push({ from: line, to: lastLine });
  }
  return spans.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(",");
}

function differencesText({ asked, differences }: Verification): string[] {
  if (differences.length === 0) return [];
  return [`Of ${asked} names asked of both, ${differences.length} are answered differently: --verify lists them\n`];
}

function verificationText({ asked, differences }: Verification): string {
  const errors = differences.filter((difference) => difference.reason === null).length;
  const head = `Verified: ${asked} names asked of both, ${differences.length} answered differently, ${errors} of them unexplained`;
  return `${[head, ...byReason(differences).map(reasonLine)].join("\n")}\n`;
}

/** What nothing explains comes first. */
function byReason(differences: readonly Difference[]): Difference[][] {
  const groups = new Map<Note | null, Difference[]>();
  for (const difference of differences) {
    groups.set(difference.reason, [...(groups.get(difference.reason) ?? []), difference]);
  }
  return [...groups.values()].sort((a, b) => Number(a[0]?.reason !== null) - Number(b[0]?.reason !== null));
}

/** One name stands for all that have the same reason. */
function reasonLine(group: readonly Difference[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const { listener, name, source, edge, reason } = first;
  const why =
    reason === null ? "NOT EXPLAINED: please report this" : `line ${reason.line}, ${reason.code || reason.class}`;
  const more = group.length === 1 ? "" : `, and ${group.length - 1} more like it`;
  return `  ${listener} ${name ?? "(no name)"}: ${source} -> ${edge} (${why})${more}`;
}

/** For programs; `config` is null where it was written to a file. */
export function reportJson({ file, result, verification, isProofTold }: Report, config: string | null): string {
  const { notes } = result;
  const proof = !isProofTold ? null : { asked: verification.asked, differences: verification.differences };
  return `${JSON.stringify({ version: 1, file, counts: countNotes(notes), notes, verification: proof, config }, null, 2)}\n`;
}
