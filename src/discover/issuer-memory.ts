/** Who signs whose certificates, kept over restarts where there is a folder for that. */
import { randomBytes } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SUBJECTS_MOST, withIssuer, type Issuers, type Subject } from "../core/discover/issuers.ts";
import { codeOf } from "../errors.ts";

const FILE_NAME = "issuers.json";

export class IssuerMemory {
  /** Where it is kept; null: for as long as the process lives. */
  readonly path: string | null;
  /** Why it cannot be kept; null: it can. */
  fault: string | null = null;
  private known: Issuers = new Map();

  /** @param folder `$STATE_DIRECTORY`: systemd separates several by colons. */
  constructor(folder: string | undefined) {
    const [first = ""] = (folder ?? "").split(":");
    this.path = first.startsWith("/") ? join(first, FILE_NAME) : null;
    if (this.path !== null) this.read(this.path);
  }

  get issuers(): Issuers {
    return this.known;
  }

  keep(issuers: Issuers): void {
    if (issuers === this.known) return;
    this.known = issuers;
    if (this.path === null) return;
    try {
      replace(this.path, `${JSON.stringify(Object.fromEntries(issuers), null, 1)}\n`);
      this.fault = null;
    } catch (error) {
      this.fault = codeOf(error) ?? String(error);
    }
  }

  private read(path: string): void {
    try {
      const read: unknown = JSON.parse(readFileSync(path, "utf8"));
      for (const [subject, issuers] of Object.entries(read ?? {}).slice(0, SUBJECTS_MOST)) {
        if (!/^(api|ingress) ./.test(subject) || !Array.isArray(issuers)) continue;
        for (const issuer of issuers) this.known = withIssuer(this.known, subject as Subject, String(issuer));
      }
    } catch (error) {
      if (codeOf(error) !== "ENOENT") this.fault = codeOf(error) ?? "it is no JSON";
    }
  }
}

/** The folder may be another user's: what stands ready under a name that can be guessed is not written to. */
function replace(path: string, text: string): void {
  const fresh = `${path}.${randomBytes(9).toString("base64url")}`;
  writeFileSync(fresh, text, { mode: 0o600, flag: "wx" });
  renameSync(fresh, path);
}
