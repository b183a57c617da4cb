/** Answers given before, by what was asked: resolvers ask the same few questions in the same few bytes, so most are not worked out twice. */
import { answerQuery, type Answered, type Asked } from "./answer.ts";

/** Forgotten together at this many: a flood of names that nobody asks twice costs no more memory than this. */
const ANSWERS_MOST = 4_096;
/** Queries of resolvers are shorter; longer ones are worked out each time. */
const QUERY_BYTES = 512;
const ID_BYTES = 2;

export class AnswerCache {
  private readonly answers = new Map<string, Answered>();
  private of: Pick<Asked, "zones" | "serial"> | null = null;

  /** As `answerQuery`, and the bytes are the caller's. */
  answer(query: Uint8Array, asked: Asked): Answered | null {
    if (query.length < ID_BYTES || query.length > QUERY_BYTES) return answerQuery(query, asked);
    if (this.of?.zones !== asked.zones || this.of.serial !== asked.serial) this.forget(asked);
    const bytes = Buffer.from(query.buffer, query.byteOffset, query.byteLength);
    // everything of a query but its id decides the answer, and so do its spelling, size and flags
    const key = `${asked.over} ${asked.addresses.join()} ${bytes.toString("latin1", ID_BYTES)}`;
    const known = this.answers.get(key);
    if (known !== undefined) return withId(known, bytes);
    const answered = answerQuery(query, asked);
    if (answered === null) return null;
    if (this.answers.size >= ANSWERS_MOST) this.answers.clear();
    this.answers.set(key, answered);
    return withId(answered, bytes);
  }

  private forget({ zones, serial }: Asked): void {
    this.answers.clear();
    this.of = { zones, serial };
  }
}

function withId({ bytes, rcode }: Answered, query: Buffer): Answered {
  const own = Uint8Array.prototype.slice.call(bytes);
  own.set(query.subarray(0, ID_BYTES));
  return { bytes: own, rcode };
}
