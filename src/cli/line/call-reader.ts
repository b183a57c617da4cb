/** What was typed as what a command takes; everything that it does not take is a mistake, and all are told at once. */
import type { FlagText } from "../../config/layers/layers.ts";
import { didYouMean, Problems, quote } from "../../config/values/text.ts";
import { HELP, VERSION, type Flag, type Typed, type Word } from "./arguments.ts";
import { argumentsText, type Call, type Command } from "./command.ts";

export type CallInput = Pick<Call, "args" | "options" | "settings">;

const CANNOT_USE = "Cannot use this flag:";
/** Every command takes them, and they never have a value. */
const EVERYWHERE: ReadonlySet<string> = new Set([HELP.flag, VERSION.flag]);

export class CallReader {
  private readonly problems = new Problems();
  private readonly settings: FlagText[] = [];
  private readonly texts = new Map<string, string[]>();
  private readonly command: Command;
  private readonly commands: readonly Command[];

  constructor(command: Command, commands: readonly Command[]) {
    this.command = command;
    this.commands = commands;
  }

  /** @param isNamed The first word is the command's name. @throws EdgeErrors */
  read({ words, flags }: Typed, isNamed: boolean): CallInput {
    const args = isNamed ? words.slice(1) : words;
    const most = this.command.args.some(({ count }) => count === "any") ? Infinity : this.command.args.length;
    const refused = args.slice(most);
    const unknown = isNamed ? null : unknownCommand(refused);
    for (const flag of flags) this.takeFlag(flag, unknown === null);
    const options = this.readOptions();
    this.checkCount(args.length);
    if (unknown === null) for (const word of refused) this.refuseWord(word);
    else this.refuse(unknown, "Cannot run this command: not known", suggestCommand(unknown, this.commands));
    this.problems.throwIfAny();
    return { args: args.map(({ text }) => text), options, settings: this.settings };
  }

  private refuse(where: string, message: string, hint?: string): void {
    this.problems.add(where, message, hint, "USAGE");
  }

  /** @param strict Also what only other commands take is a mistake. */
  private takeFlag({ shown, name, text }: Flag, strict: boolean): void {
    if (name === null) return this.refuse(shown, `${CANNOT_USE} not known`, this.suggestFlag(shown));
    const { options, settings } = this.command;
    const own = options[name];
    const setting = own === undefined ? settings.find(({ flag }) => flag === name) : undefined;
    const taken = own ?? setting ?? (EVERYWHERE.has(name) ? { value: null } : undefined);
    if (taken === undefined) {
      if (strict) this.refuse(`--${name}`, `${CANNOT_USE} ${this.command.name} does not take it`);
    } else if (taken.value === null && text !== null) this.refuse(shown, `${CANNOT_USE} a value found, none wanted`);
    else if (taken.value !== null && (text ?? "") === "")
      this.refuse(shown, `${CANNOT_USE} no value found, ${taken.value} wanted`);
    else if (setting !== undefined) this.settings.push({ flag: name, text: text ?? "" });
    else this.texts.set(name, [...(this.texts.get(name) ?? []), text ?? ""]);
  }

  private readOptions(): CallInput["options"] {
    const read = Object.entries(this.command.options).map(([flag, option]) => [
      flag,
      option.parse(this.texts.get(flag) ?? [], (text, { found, wanted, hint }) =>
        this.refuse("", `Cannot use --${flag}: ${found ?? quote(text)} found, ${wanted} wanted`, hint),
      ),
    ]);
    return Object.fromEntries(read);
  }

  private suggestFlag(shown: string): string | undefined {
    const name = /^--([^-].*)$/.exec(shown)?.[1];
    if (name === undefined) return undefined;
    const positive = /^no-(.+)$/.exec(name)?.[1] ?? "";
    if (this.command.settings.some(({ flag }) => flag === positive)) return `write --${positive} off`;
    const { options, settings } = this.command;
    const taken = [...settings.map(({ flag }) => flag), ...Object.keys(options), ...EVERYWHERE];
    return didYouMean(
      shown,
      taken.map((flag) => `--${flag}`),
    );
  }

  private checkCount(found: number): void {
    const least = this.command.args.filter(({ count }) => count === "one").length;
    if (found >= least) return;
    const { name } = this.command;
    const count = found === 0 ? "no argument" : found === 1 ? "1 argument" : `${found} arguments`;
    this.refuse(name, `Cannot run ${name}: ${count} found, ${argumentsText(this.command)} wanted`);
  }

  private refuseWord({ text, afterSecret }: Word): void {
    if (afterSecret !== null) {
      this.refuse(afterSecret, "Cannot use the argument after the value: not expected");
    } else {
      const hint = text.includes("=") ? `clusters are flags: --cluster ${text.split("=")[0]}=...` : undefined;
      this.refuse("", `Cannot use ${quote(text)}: not expected`, hint);
    }
  }
}

/** The first word, when it looks like a command: what else was typed is for that one. */
function unknownCommand([first]: readonly Word[]): string | null {
  return first !== undefined && first.afterSecret === null && /^[a-z]+$/.test(first.text) ? first.text : null;
}

/** What to type instead of a command that there is not. */
export function suggestCommand(text: string, commands: readonly Command[]): string {
  const meant = commands.find(({ synonyms }) => synonyms.includes(text))?.name;
  if (meant !== undefined) return `did you mean ${meant}`;
  return (
    didYouMean(
      text,
      commands.map(({ name }) => name),
    ) ?? "see --help"
  );
}
