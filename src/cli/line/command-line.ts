/**
 * argv to a command that runs. cac selects the command and runs its action; it gets the arguments in an order that it cannot
 * misread, and nobody takes values from it: it reads `08080` as a number, lets a flag without value be `true`, takes a lone `-`
 * for a flag, forgets what follows `--` and fails on `-a --a.b`.
 */
import { cac, type Command as CacCommand } from "cac";
import { EdgeError } from "../../errors.ts";
import { ArgumentReader, FlagForms, HELP, VERSION, type Flag, type Typed } from "./arguments.ts";
import { CallReader, type CallInput } from "./call-reader.ts";
import type { Call, Command } from "./command.ts";

/** A command and what was typed for it. */
export interface Parsed extends CallInput {
  readonly command: Command;
}

export class CommandLine {
  private readonly cli = cac("edge-lb");
  private readonly commands: readonly Command[];
  private readonly forms: FlagForms;
  private readonly declared = new Map<CacCommand, Command>();
  private call: Call | null = null;

  /** @param commands The first is meant when none is named. */
  constructor(commands: readonly Command[]) {
    this.commands = commands;
    this.forms = new FlagForms(commands);
    for (const { flag, short, help } of [HELP, VERSION]) this.cli.option(`-${short}, --${flag}`, help);
    for (const [at, command] of commands.entries()) this.declare(command, at === 0);
  }

  /** @throws EdgeErrors with every mistake */
  parse(argv: readonly string[]): Parsed {
    const typed = this.asCommand(new ArgumentReader(argv, this.forms).read());
    this.cli.unsetMatchedCommand();
    this.cli.parse(["edge-lb", "edge-lb", ...plainArguments(typed)], { run: false });
    const { matchedCommand, matchedCommandName } = this.cli;
    const command = matchedCommand === undefined ? undefined : this.declared.get(matchedCommand);
    if (command === undefined) throw new EdgeError("INTERNAL", "Cannot start: no command selected");
    const isNamed = matchedCommandName !== undefined;
    return { command, ...new CallReader(command, this.commands).read(typed, isNamed) };
  }

  /** @returns the command's exit code @throws EdgeErrors with every mistake, and what the command throws */
  async run(argv: readonly string[], given: Pick<Call, "io" | "serve">): Promise<number> {
    const { args, options, settings } = this.parse(argv);
    this.call = { args, options, settings, commands: this.commands, ...given };
    try {
      return await (this.cli.runMatchedCommand() as Promise<number>);
    } catch (error) {
      // What cac refuses after our own checks is refused.
      if (!(error instanceof Error) || error.name !== "CACError") throw error;
      throw new EdgeError("USAGE", `Cannot read the command line: ${error.message}`);
    }
  }

  private declare(command: Command, isDefault: boolean): void {
    const { name, args, help, options, settings } = command;
    const places = args.map(({ count }, at) =>
      count === "one" ? `<arg${at}>` : `[${count === "any" ? "..." : ""}arg${at}]`,
    );
    const declared = this.cli.command([isDefault ? "" : name, ...places].join(" "), help);
    if (isDefault) declared.alias(name);
    const flags = [
      ...Object.entries(options).map(([flag, option]) => ({ flag, ...option })),
      ...settings.map(({ flag, short, value, help }) => ({ flag, short, value, help })),
    ];
    for (const { flag, short, value, help } of flags) {
      declared.option(`${short === null ? "" : `-${short}, `}--${flag}${value === null ? "" : " <value>"}`, help);
    }
    declared.action(() => this.act(command));
    this.declared.set(declared, command);
  }

  private async act(command: Command): Promise<number> {
    if (this.call === null) throw new EdgeError("INTERNAL", `Cannot run ${command.name}: nothing was read`);
    return command.run(this.call);
  }

  /** `--version` is the command version, `check --help` is help check, whatever else was typed. */
  private asCommand(typed: Typed): Typed {
    const isTyped = (flag: string): boolean => typed.flags.some(({ name, text }) => name === flag && text === null);
    const commandWith = (...words: readonly string[]): Typed => ({
      words: words.map((text) => ({ text, afterSecret: null })),
      flags: [],
    });
    if (isTyped(VERSION.flag)) return commandWith(VERSION.flag);
    if (!isTyped(HELP.flag)) return typed;
    const first = typed.words[0]?.text ?? "";
    return this.forms.isCommand(first) ? commandWith(HELP.flag, first) : commandWith(HELP.flag);
  }
}

/** Words first, so that no flag takes one for its value; a lone `-` as something that is no flag. */
function plainArguments({ words, flags }: Typed): readonly string[] {
  const plainWords = words.map(({ text }) => (text === "-" ? "stdin" : text));
  return [...plainWords, ...flags.flatMap(plainFlag)];
}

function plainFlag({ name, text }: Flag): readonly string[] {
  if (name === null) return [];
  return [text === null ? `--${name}` : `--${name}=${text}`];
}
