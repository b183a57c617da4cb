/** What an operator's program can match on, whatever the wording. */
export type EdgeErrorCode =
  | "USAGE" // the command line is wrong
  | "CONFIG_INVALID" // a file or a flag holds a value that cannot be used
  | "CONFIG_UNREADABLE" // the file is missing, unreadable or not YAML
  | "LISTEN_FAILED" // an address cannot be listened on
  | "ENGINE_UNAVAILABLE" // the runtime asked for does not work here
  | "NOT_FOUND" // a running instance has no such cluster, node or page
  | "CONTROL_FAILED" // the control socket or a running instance refused
  | "ALREADY_RUNNING" // another instance has the control socket
  | "RULES_FAILED" // ip or nft did not do what `edge-lb rules` asked
  | "INSTALL_FAILED" // a step of install or uninstall
  | "UPGRADE_FAILED" // the new edge-lb did not take over, and the old one goes on
  | "WORKERS_FAILED" // workers ended faster than they may be replaced
  | "DISCOVER_FAILED" // a source of clusters could not be asked
  | "OUTPUT_FAILED" // results could not be written
  | "INTERNAL";

/**
 * A mistake the operator can correct, printed as one line and never with a stack:
 * `edge-lb: app.yaml:12:5: Cannot use cluster "hub": 0 nodes listed, at least 1 wanted (CONFIG_INVALID); add nodes=`.
 * Faults of peers are not errors but values (unions) and counters.
 */
export class EdgeError extends Error {
  override readonly name = "EdgeError";
  readonly code: EdgeErrorCode;
  /** What to do about it, in a few words, without a full stop. */
  readonly hint: string | undefined;
  /** `file:line:column`, or the flag as typed. */
  readonly where: string | undefined;

  /** @param message Attempted action, colon, what was found and what is wanted; no full stop. */
  constructor(
    code: EdgeErrorCode,
    message: string,
    more: { hint?: string | undefined; where?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
    this.where = more.where;
  }

  /** The one line for the operator, without the program's name. (Errors of JavaScriptCore have a property `line` of their own.) */
  toLine(): string {
    const where = this.where === undefined ? "" : `${this.where}: `;
    const hint = this.hint === undefined ? "" : `; ${this.hint}`;
    return `${where}${this.message} (${this.code})${hint}`;
  }
}

/** The name of a system error, as Bun and Node attach it: `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/** Several mistakes found at once; printed one per line. */
export class EdgeErrors extends Error {
  override readonly name = "EdgeErrors";
  readonly errors: readonly EdgeError[];

  constructor(errors: readonly EdgeError[]) {
    super(errors.map((error) => error.toLine()).join("\n"));
    this.errors = errors;
  }
}
