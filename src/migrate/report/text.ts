/** The report for people and for programs. */
import type { Difference, Verification } from "../verify/verify.ts";
import type { Note, NoteClass } from "../source/ledger.ts";

/** In the order of reading: what is wrong, what is lost, what is different, what is well. */
const TITLES: readonly (readonly [NoteClass, string])[] = [
  ["mistake", "Mistakes in the source"],
  ["cannot", "Cannot be carried over"],
  ["changed", "Changed on purpose"],
  ["not-needed", "Not needed"],
  ["carried", "Carried over"],
];

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

/** Notes with one reason are one paragraph with all their lines. */
export function reportText(file: string, notes: readonly Note[], verification: Verification | null): string {
  const paragraphs = TITLES.flatMap(([wanted, title]) => {
    const own = notes.filter((note) => note.class === wanted);
    return own.length === 0
      ? []
      : [
          `${title}\n${groupNotes(own)
            .map((group) => paragraph(file, group))
            .join("")}`,
        ];
  });
  const counts = countNotes(notes);
  const summary = TITLES.map(([wanted, title]) => `${title.toLowerCase()}: ${counts[wanted]}`).join(", ");
  const proof = verification === null ? [] : [verificationText(verification)];
  return `${[...paragraphs, ...proof, `${file}: ${summary}`].join("\n")}\n`;
}

function groupNotes(notes: readonly Note[]): Note[][] {
  const groups = new Map<string, Note[]>();
  for (const note of notes) {
    const key = JSON.stringify([note.why, note.todo]);
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  return [...groups.values()];
}

/** Source texts shown of one paragraph; the rest is in the line numbers. */
const SHOWN_MOST = 1;

function paragraph(file: string, group: readonly Note[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const shown = group.slice(0, SHOWN_MOST).map((note) => note.text);
  const todo = first.todo === null ? "" : `\n      ${first.todo}`;
  return `  ${file}:${lineNumbers(group)}: ${shown.join("; ")}\n      ${first.why}${todo}\n`;
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

function verificationText({ asked, differences }: Verification): string {
  const errors = differences.filter((difference) => difference.reason === null).length;
  const head = `Verified: ${asked} names asked of both, ${differences.length} answered differently, ${errors} of them unexplained`;
  return `${[head, ...differences.map(differenceLine)].join("\n")}\n`;
}

function differenceLine({ listener, name, source, edge, reason }: Difference): string {
  const why =
    reason === null ? "NOT EXPLAINED: please report this" : `line ${reason.line}, ${reason.code || reason.class}`;
  return `  ${listener} ${name ?? "(no name)"}: ${source} -> ${edge} (${why})`;
}

/** For programs; `config` is null where it was written to a file. */
export function reportJson(
  file: string,
  notes: readonly Note[],
  verification: Verification | null,
  config: string | null,
): string {
  const proof = verification === null ? null : { asked: verification.asked, differences: verification.differences };
  return `${JSON.stringify({ version: 1, file, counts: countNotes(notes), notes, verification: proof, config }, null, 2)}\n`;
}
