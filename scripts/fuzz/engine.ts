/** Mutated streams through the session, with the invariants that must hold whatever comes. */
import { readdirSync, readFileSync } from "node:fs";
import { OK, type HttpCase } from "./corpus/case.ts";
import { REQUESTS } from "./corpus/requests.ts";
import { RESPONSES } from "./corpus/responses.ts";
import { readAnswer, readRequest } from "./reference.ts";
import { Lab } from "./session-lab.ts";

/** One input: what the client sends, what nodes answer one after the other, and how both are cut. */
export interface Stream {
  readonly send: string;
  readonly answers: readonly string[];
  /** Sizes of the pieces, used in turn; 0: whole. */
  readonly cuts: readonly number[];
}

/** The word, not a part of another one. */
const H2C = /(?:^|[^!#$%&'*+.^_`|~\w-])h2c(?:$|[^!#$%&'*+.^_`|~\w-])/i;
const SEEDS_AT = new URL("seeds/", import.meta.url);
/** Small limits bring their edges into reach. */
const LIMITS = { httpLine: 600, httpHead: 2_000, httpFields: 16 };
/** Heads and trailers being collected, what was read ahead, and buffers that are kept. */
const MEMORY_BYTES = 100_000;

/** mulberry32: small, fast, and the same everywhere for one seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** The corpus and the seeds kept in the fixtures, as streams. */
export function seedStreams(): readonly Stream[] {
  const short = (text: string): boolean => text.length < 3_000;
  const fromCase = (one: HttpCase): Stream => ({
    send: typeof one.send === "string" ? one.send : one.send.join(""),
    answers: one.answers?.map(({ bytes }) => bytes) ?? [OK],
    cuts: [0],
  });
  const kept = readdirSync(SEEDS_AT)
    .filter((name) => name.endsWith(".json"))
    .map((name): Stream => JSON.parse(readFileSync(new URL(name, SEEDS_AT), "utf8")));
  return [...kept, ...[...REQUESTS, ...RESPONSES].map(fromCase)].filter(
    ({ send, answers }) => short(send) && answers.every(short),
  );
}

const DICTIONARY = [
  "\r\n", "\r\n\r\n", "\n", "\r", "\0", " ", "\t", ":", ",", ";", "\x0b", "\x0c", "\x7f", "\x80", "\xff", "0", "1", "5", "-", "+", "0x", "ffffffff", "99999999999999999999",
  "0\r\n\r\n", "5\r\nhello\r\n", "1;a=\"b\"\r\nx\r\n",
  "Content-Length: 5\r\n", "Content-Length: 0\r\n", "content-length:6\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding : chunked\r\n",
  "Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: content-length\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "TE: trailers\r\n",
  "Host: a.apps.hub.lab\r\n", "Host: b.apps.managed1.lab\r\n", "X-Forwarded-For: 6.6.6.6\r\n", "Forwarded: for=6.6.6.6\r\n", "X_Real-IP: 6.6.6.6\r\n", " HTTP/1.0", " HTTP/1.1", "HEAD ", "POST ", "GET http://a.apps.hub.lab/ HTTP/1.1\r\n", "* ",
  "GET / HTTP/1.1\r\nHost: a.apps.hub.lab\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n", OK,
]; // prettier-ignore

/** A stream made of others. */
export function mutate(seeds: readonly Stream[], random: (below: number) => number): Stream {
  const one = (): Stream => seeds[random(seeds.length)] ?? { send: "", answers: [], cuts: [0] };
  const first = one();
  let send = first.send;
  if (random(2) === 0) send += one().send;
  for (let times = random(4); times > 0; times--) send = mutateText(send, one().send, random);
  const answers = [...first.answers, ...(random(2) === 0 ? one().answers : []), OK].map((answer) =>
    random(4) === 0 ? mutateText(answer, one().answers[0] ?? OK, random) : answer,
  );
  const cuts = random(2) === 0 ? [0] : Array.from({ length: 1 + random(4) }, () => random(40));
  return { send: send.slice(0, 8_000), answers, cuts };
}

function mutateText(text: string, other: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const to = Math.min(text.length, at + 1 + random(random(2) === 0 ? 4 : 40));
  const word = DICTIONARY[random(DICTIONARY.length)] ?? "";
  switch (random(8)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + word + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(at, to) + text.slice(to);
    case 4:
      return text.slice(0, at) + other.slice(random(other.length + 1));
    case 5:
      return insertLine(text, word, random);
    case 6:
      return text.slice(0, at) + word + text.slice(to);
    default:
      return text.slice(0, at);
  }
}

/** Where lines end is where readers part ways. */
function insertLine(text: string, word: string, random: (below: number) => number): string {
  const ends = [...text.matchAll(/\r\n/g)].map(({ index }) => index + 2);
  const at = ends[random(ends.length || 1)] ?? 0;
  return text.slice(0, at) + word + text.slice(at);
}

function* pieces(text: string, cuts: readonly number[]): Generator<string> {
  let at = 0;
  for (let i = 0; at < text.length; i++) {
    const size = cuts[i % cuts.length] || text.length;
    yield text.slice(at, at + size);
    at += size;
  }
}

/** Play a stream. @throws when an invariant does not hold. */
export function play(stream: Stream): { readonly client: string; readonly node: string } {
  const lab = new Lab({ settings: { limits: LIMITS } });
  const nodes = new Nodes(lab, stream);
  for (const piece of pieces(stream.send, stream.cuts)) {
    lab.send(piece);
    nodes.look();
    check(memoryOf(lab) < MEMORY_BYTES, "memory is bounded");
  }
  lab.sendEnd();
  nodes.look();
  nodes.finish();
  checkClient(lab, nodes.methods);
  return { client: lab.received, node: lab.nodes.map(({ received }) => received).join("") };
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`This does not hold: ${what}`);
}

/** The nodes' side: they read with the reference reader, and answer what is complete. */
class Nodes {
  readonly methods: string[] = [];
  private readonly lab: Lab;
  private readonly stream: Stream;
  private index = 0;
  private at = 0;
  private answered = 0;

  constructor(lab: Lab, stream: Stream) {
    this.lab = lab;
    this.stream = stream;
  }

  look(): void {
    for (let rounds = 0; rounds < 200; rounds++) {
      const node = this.lab.nodes[this.index];
      if (node === undefined || this.lab.clientState === "joined") return;
      const seen = readRequest(node.received, this.at);
      const rest = node.received.slice(this.at);
      check(seen !== "bad", `the strict reader understands what reaches a node: ${JSON.stringify(rest)}`);
      if (typeof seen !== "string") check(seen.end !== "bad", `the body, too: ${JSON.stringify(rest)}`);
      if (typeof seen === "string" || typeof seen.end === "string") {
        if (this.index + 1 >= this.lab.nodes.length) return;
        check(rest === "" || node.state !== "open", "a request that was begun is ended before another node is asked");
        this.index += 1;
        this.at = 0;
        continue;
      }
      this.checkRequest(seen.fields);
      this.methods.push(seen.method);
      this.at = seen.end;
      this.answer();
    }
  }

  private checkRequest(fields: readonly (readonly [string, string])[]): void {
    const named = (name: string): readonly string[] => fields.filter(([key]) => key === name).map(([, value]) => value);
    check(named("x-forwarded-for").join() === "10.0.0.9", "the address is edge-lb's word");
    check(named("x-forwarded-proto").join() === "http", "so is the scheme");
    check(
      named("forwarded").length + named("x-real-ip").length + named("x_real_ip").length === 0,
      "and all else of it",
    );
    check(named("http2-settings").length === 0 && !named("upgrade").some((value) => H2C.test(value)), "h2c is dropped");
    check(named("keep-alive").length + named("proxy-connection").length + named("te").length === 0, "hops end here");
  }

  private answer(): void {
    const { lab, stream } = this;
    const text = stream.answers[this.answered++ % stream.answers.length] ?? OK;
    for (const piece of pieces(text, stream.cuts)) if (lab.node.state === "open") lab.answer(piece);
  }

  /** Nothing goes on for ever: nodes close, time passes, and then everything is closed and told. */
  finish(): void {
    const { lab } = this;
    for (let rounds = 0; rounds < 50 && lab.clientState === "open"; rounds++) {
      const before = lab.nodes.at(-1)?.state === "open";
      if (before) lab.answerEnd();
      this.look();
      lab.wait(4_000_000);
    }
    check(lab.clientState !== "open", "every connection ends");
    check(
      lab.nodes.every(({ state }) => state !== "dialing" && (state !== "open" || lab.clientState === "joined")),
      "so do the nodes'",
    );
  }
}

/** What the client got is a sequence of answers, the last perhaps cut, and nothing follows an answer of edge-lb's own. */
function checkClient(lab: Lab, methods: readonly string[]): void {
  const text = lab.received;
  let at = 0;
  let answered = 0;
  while (at < text.length) {
    const seen = readAnswer(text, at, methods[answered] ?? "GET");
    if (seen === "more") return check(lab.clientState !== "open", "only a connection that ended leaves half a head");
    if (typeof seen === "string") return check(false, `the client understands ${JSON.stringify(text.slice(at))}`);
    const own = seen.fields.some(([name, value]) => name === "cache-control" && value === "no-store");
    if (seen.status === 101) return undefined;
    if (seen.end === "more" && seen.status >= 200) return undefined;
    // a refused HEAD is answered without a body, and only edge-lb knows that it was one
    if (typeof seen.end === "string")
      return check(own, `a body the client can read: ${JSON.stringify(text.slice(at))}`);
    at = seen.end;
    if (seen.status >= 200) answered += 1;
    if (own && at < text.length) return check(false, "nothing follows an answer of edge-lb's own");
  }
  check(answered <= methods.length + 1, "no answer comes unasked");
  return undefined;
}

/** Bytes that the session holds on to. */
function memoryOf(lab: Lab): number {
  let bytes = 0;
  const seen = new Set<unknown>();
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || seen.has(value) || value === lab || depth > 6) return;
    seen.add(value);
    if (value instanceof Uint8Array) bytes += value.byteLength;
    else for (const part of Object.values(value)) visit(part, depth + 1);
  };
  visit(lab.session, 0);
  return bytes;
}
