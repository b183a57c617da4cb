/** Commands that ask the running edge-lb once, over its control socket, and say what it answered. */
import { GLOBAL } from "../../config/options/options.ts";
import { asking } from "./client.ts";
import { command, type Call, type Command } from "../line/command.ts";
import { toggle, type CommandOptions } from "../line/command-option.ts";
import { EXIT } from "../terminal/exit-code.ts";

/** What such a command takes of the option table: how the running one is found. */
export const LIVE = {
  settings: [GLOBAL.control],
  shown: { title: "Where it runs", settings: [GLOBAL.control], notes: [] },
};

/** Of commands whose answer a program may read. */
export const JSON_OUTPUT = toggle("Everything there is, as JSON");

export interface Question {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Behind `/v1/`. */
  readonly path: string;
  readonly body?: string;
}

interface LiveDeclaration<O extends CommandOptions>
  extends Pick<Command, "name" | "help">, Partial<Pick<Command, "args" | "synonyms">> {
  readonly options?: O;
  /** @throws EdgeError USAGE before anybody is asked */
  question(call: Call<O>): Question;
}

/** @param text The answer for people. */
export function liveCommand<Answer, O extends CommandOptions = Record<never, never>>(
  given: LiveDeclaration<O>,
  text: (answer: Answer, call: Call<O>) => string,
): Command {
  const { question, ...declared } = given;
  return command<O>({
    ...LIVE,
    ...declared,
    run: (call) => tell(call, question(call), text),
  });
}

/** Asks, and prints the answer for people, or as it came when the command has `--json` and that was typed. */
export async function tell<Answer, O extends CommandOptions>(
  call: Call<O>,
  question: Question,
  text: (answer: Answer, call: Call<O>) => string,
): Promise<number> {
  const answer = await ask(call, question);
  call.io.out(call.options["json"] === true ? jsonText(answer) : text(answer as Answer, call));
  return EXIT.done;
}

/** @returns the answer's JSON @throws EdgeErrors with what was refused, EdgeError CONTROL_FAILED */
export function ask(
  { settings, io }: Pick<Call, "settings" | "io">,
  { method, path, body }: Question,
): Promise<unknown> {
  return asking(settings, io, (client) => client.ask(method, path, body));
}

function jsonText(answer: unknown): string {
  return `${JSON.stringify(answer, null, 2)}\n`;
}
