/** argv as words and flags with their texts as typed, before it is known which command they are for. */
import { TOP_OPTIONS } from "../../config/options/options.ts";
import { EdgeError } from "../../errors.ts";
import type { Command } from "./command.ts";

/** Flags that every command takes. */
export const HELP = { flag: "help", short: "h", help: "Print this" } as const;
export const VERSION = { flag: "version", short: "v", help: "Print the version" } as const;

/** An argument that is neither a flag nor its value. */
export interface Word {
  readonly text: string;
  /** The flag before it, when its value is a secret and this word may belong to it. */
  readonly afterSecret: string | null;
}

export interface Flag {
  /** As typed, without its value. */
  readonly shown: string;
  /** The long name without dashes; null: no flag that is known. */
  readonly name: string | null;
  /** Null when there is none; what follows a flag that takes no value is no value. */
  readonly text: string | null;
}

export interface Typed {
  readonly words: readonly Word[];
  readonly flags: readonly Flag[];
}

interface Form {
  readonly takesValue: boolean;
  readonly secret: boolean;
}

/** How each flag is typed, whatever the command. */
export class FlagForms {
  private readonly forms = new Map<string, Form>();
  private readonly longNames = new Map<string, string>();
  private readonly commandNames: ReadonlySet<string>;

  /** @throws EdgeError INTERNAL when one name takes a value for one command and none for another, or a letter means two flags */
  constructor(commands: readonly Command[]) {
    this.commandNames = new Set(commands.map(({ name }) => name));
    for (const { flag, short } of [HELP, VERSION]) this.add(flag, short, { takesValue: false, secret: false });
    for (const { flag, short, secret } of TOP_OPTIONS) this.add(flag, short, { takesValue: true, secret });
    for (const [flag, { short, value }] of commands.flatMap(({ options }) => Object.entries(options))) {
      this.add(flag, short, { takesValue: value !== null, secret: false });
    }
  }

  private add(flag: string, short: string | null, form: Form): void {
    const before = this.forms.get(flag);
    const long = short === null ? flag : (this.longNames.get(short) ?? flag);
    if (long !== flag || (before !== undefined && before.takesValue !== form.takesValue)) {
      throw new EdgeError("INTERNAL", `Cannot declare --${flag}: declared in another way before`);
    }
    if (before === undefined) this.forms.set(flag, form);
    if (short !== null) this.longNames.set(short, flag);
  }

  form(flag: string): Form | null {
    return this.forms.get(flag) ?? null;
  }

  longName(short: string): string | null {
    return this.longNames.get(short) ?? null;
  }

  isCommand(word: string): boolean {
    return this.commandNames.has(word);
  }
}

export class ArgumentReader {
  private readonly words: Word[] = [];
  private readonly flags: Flag[] = [];
  private readonly forms: FlagForms;
  private readonly argv: readonly string[];
  private at = 0;
  private afterSecret: string | null = null;

  constructor(argv: readonly string[], forms: FlagForms) {
    this.argv = argv;
    this.forms = forms;
  }

  read(): Typed {
    while (this.at < this.argv.length) this.take(this.argv[this.at++] ?? "");
    return { words: this.words, flags: this.flags };
  }

  private take(arg: string): void {
    if (!arg.startsWith("-") || arg === "-") {
      this.words.push({ text: arg, afterSecret: this.afterSecret });
      return;
    }
    const equals = arg.indexOf("=");
    const shown = equals < 0 ? arg : arg.slice(0, equals);
    const inline = equals < 0 ? null : arg.slice(equals + 1);
    const name = this.longName(shown);
    const form = name === null ? null : this.forms.form(name);
    if (name === null || form === null) this.takeUnknown(shown, inline);
    else if (!form.takesValue) this.flags.push({ shown, name, text: inline });
    else {
      this.flags.push({ shown, name, text: inline ?? this.takeValue() });
      this.afterSecret = form.secret ? shown : null;
    }
  }

  /** What follows was meant as its value: no second complaint, and no echo. */
  private takeUnknown(shown: string, inline: string | null): void {
    this.flags.push({ shown, name: null, text: null });
    if (shown !== "--" && inline === null && !this.forms.isCommand(this.argv[this.at] ?? "")) this.takeValue();
  }

  private takeValue(): string | null {
    const next = this.argv[this.at];
    if (next === undefined || next.startsWith("-")) return null;
    this.at++;
    return next;
  }

  private longName(shown: string): string | null {
    return /^--([^-].*)$/.exec(shown)?.[1] ?? this.forms.longName(shown.slice(1));
  }
}
