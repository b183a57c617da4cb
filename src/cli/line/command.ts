/** What a command is: its name, what it takes, and what it does. Each command is declared in the file of its name. */
import type { FlagText } from "../../config/layers/layers.ts";
import type { Config } from "../../config/model.ts";
import type { Load } from "../../control/serve/reloader.ts";
import type { Option } from "../../config/options/option.ts";
import { TOP_OPTIONS } from "../../config/options/options.ts";
import type { CommandOptions, ValuesOf } from "./command-option.ts";
import type { Io } from "../terminal/io.ts";

/** A word after the command's name. */
export interface Argument {
  /** What stands for it in help, such as `NAME|URL`. */
  readonly shown: string;
  readonly count: "one" | "optional" | "any";
  /** What it may be, for completion: these words, or what the name says. */
  readonly completes: readonly string[] | "cluster" | "node" | "name" | "file" | "command" | null;
}

/** What a command is run with. */
export interface Call<O extends CommandOptions = CommandOptions> {
  /** As typed; as many as the command declares. */
  readonly args: readonly string[];
  /** Of the command's own options. */
  readonly options: ValuesOf<O>;
  /** Settings of the option table, in the order typed. */
  readonly settings: readonly FlagText[];
  readonly io: Io;
  /** Every command there is, for help and completion. */
  readonly commands: readonly Command[];
  /** Serves until the end; its exit code. `load` reads file and flags anew, with runtime changes on top. @throws EdgeErrors */
  readonly serve: Serve;
}

export type Serve = (config: Config, load: Load) => Promise<number>;

interface Declaration<O extends CommandOptions> {
  readonly name: string;
  readonly help: string;
  readonly args: readonly Argument[];
  /** Options of this command alone. */
  readonly options: O;
  /** What it takes of the option table. */
  readonly settings: readonly Option<unknown>[];
  /** Those of the settings that its help shows, and what it says of them; null: all that it takes. */
  readonly shown: {
    readonly title: string;
    readonly settings: readonly Option<unknown>[];
    /** Paragraphs below them. */
    readonly notes: readonly string[];
  } | null;
  /** Other words for it that people type; they are answered with its name. */
  readonly synonyms: readonly string[];
  /** @returns the exit code @throws EdgeError, EdgeErrors */
  run(call: Call<O>): number | Promise<number>;
}

export type Command = Declaration<CommandOptions>;

type Given<O extends CommandOptions> = Pick<Declaration<O>, "name" | "help" | "run"> & Partial<Declaration<O>>;

export function command<O extends CommandOptions = Record<never, never>>(given: Given<O>): Command {
  return { args: [], options: {}, settings: [], shown: null, synonyms: [], ...given };
}

/** The settings of a command that makes a configuration of its own. */
export const ALL_SETTINGS = TOP_OPTIONS;

/** An argument that must be there. */
export function argument(shown: string, completes: Argument["completes"] = null): Argument {
  return { shown, count: "one", completes };
}

/** An argument that may be left out. */
export function optionalArgument(shown: string, completes: Argument["completes"] = null): Argument {
  return { shown, count: "optional", completes };
}

/** `<NAME|URL>` must be there, `[COMMAND]` may, `[NAME...]` any number of times. */
export function argumentsText({ args }: Pick<Command, "args">): string {
  return args
    .map(({ shown, count }) => (count === "one" ? `<${shown}>` : `[${shown}${count === "any" ? "..." : ""}]`))
    .join(" ");
}
