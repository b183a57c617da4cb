/** What reads a value from its texts and writes it. */
import { fit, type Located, type Reading } from "./text.ts";

/** How a value is written: read from a text, shown as a text that reads back as the same value. */
export interface Codec<T> {
  read(text: string): Reading<T>;
  show(value: T): string;
  /** How its texts look; left out: in any way. */
  readonly form?: Form;
}

/** What a text may be: one of the words, a number in the range, or what the pattern matches as a whole. */
export interface Form {
  readonly words?: readonly string[];
  readonly range?: readonly [least: number, most: number];
  readonly pattern?: string;
}

/** How the items of a list are written; one text may stand for several. */
export interface ItemCodec<T> {
  read(text: string): Reading<readonly T[]>;
  show(item: T): string;
  readonly form?: Form;
}

/** The codec of one value as `many` wants it. */
export function listOf<T>(codec: Codec<T>): ItemCodec<T> {
  return {
    read(text) {
      const reading = codec.read(text);
      return reading.ok ? fit([reading.value]) : reading;
    },
    show: (item) => codec.show(item),
    ...(codec.form === undefined ? {} : { form: codec.form }),
  };
}

type Unfit = Extract<Reading<unknown>, { ok: false }>;
export type Report = (at: Located, wrong: Unfit) => void;
/** All texts of one layer to one value; what cannot be read is reported and left out. */
export type Parse<T> = (texts: readonly Located[], report: Report) => T | undefined;
