/** What `edge-lb install` does, step by step. What was there before stays, and what is new is recorded for `uninstall`. */
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { PLACES, type InstallTexts } from "./places.ts";
import { writeRecord, readRecord } from "./record.ts";
import type { NewFile, System } from "./system.ts";
import { SERVICE_USER, UNIT_NAME, unitText } from "./unit.ts";

/** Told before it is done. */
export interface Step {
  /** As an order: `create user edge-lb`. */
  readonly what: string;
  /** Null: there is nothing to do, and `what` says why. */
  readonly run: (() => void) | null;
}

export interface InstallInput {
  /** The executable that runs, which is what gets installed. */
  readonly executable: string;
  readonly texts: InstallTexts;
}

const EVERYBODY = 0o644;

export class Installer {
  private readonly system: System;
  private readonly input: InstallInput;
  private readonly files = new Map<string, string>();
  private hasMadeUser: boolean;

  constructor(system: System, input: InstallInput) {
    this.system = system;
    this.input = input;
    const before = readRecord(system);
    for (const { path, sha256 } of before?.files ?? []) this.files.set(path, sha256);
    this.hasMadeUser = before?.madeUser ?? false;
  }

  steps(): readonly Step[] {
    const { texts } = this.input;
    return [
      this.user(),
      this.executable(),
      this.config(),
      this.text(PLACES.man, texts.man),
      this.text(PLACES.bash, texts.bash),
      this.text(PLACES.zsh, texts.zsh),
      this.text(PLACES.fish, texts.fish),
      ...this.service(),
    ];
  }

  private user(): Step {
    if (this.system.groupOf(SERVICE_USER) !== null) return nothing(`keep user ${SERVICE_USER}`);
    const argv = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", NO_SHELL];
    return step(`create the system user ${SERVICE_USER}`, () => {
      this.system.run([...argv, SERVICE_USER]);
      this.hasMadeUser = true;
      this.record();
    });
  }

  private executable(): Step {
    const { executable } = this.input;
    if (executable === PLACES.binary) return nothing(`keep ${PLACES.binary}, which is this executable`);
    return step(`copy ${executable} to ${PLACES.binary}`, () => {
      const content = this.system.read(executable) ?? new Uint8Array();
      this.put({ path: PLACES.binary, content, mode: 0o755, group: null });
    });
  }

  /** It may get a password; the service reads it as a member of its group. */
  private config(): Step {
    if (this.system.exists(PLACES.config)) return nothing(`keep ${PLACES.config}, which is there already`);
    return step(`write an example to ${PLACES.config}: it is for you to edit`, () => {
      const group = this.system.groupOf(SERVICE_USER);
      this.put({ path: PLACES.config, content: this.input.texts.config, mode: 0o640, group });
    });
  }

  private text(path: string, content: string): Step {
    if (this.isEdited(path)) return nothing(`keep ${path}, which was edited`);
    return step(`write ${path}`, () => this.put({ path, content, mode: EVERYBODY, group: null }));
  }

  /** It is there, and not as an install before wrote it. */
  private isEdited(path: string): boolean {
    const [written, content] = [this.files.get(path), this.system.read(path)];
    return written !== undefined && content !== null && hashOf(content) !== written;
  }

  /** A unit for the day when systemd runs does no harm: images are made so. */
  private service(): readonly Step[] {
    if (!this.system.exists(dirname(PLACES.unit))) return [NO_SYSTEMD];
    const unit = this.text(PLACES.unit, unitText(PLACES));
    if (!this.system.runsSystemd) return [unit, LATER, NO_SYSTEMD];
    const run = (...argv: readonly string[]): Step => step(`run ${argv.join(" ")}`, () => this.system.run(argv));
    return [unit, run("systemctl", "daemon-reload"), run("systemctl", "enable", "--now", UNIT_NAME)];
  }

  private put(file: NewFile): void {
    this.system.write(file);
    this.files.set(file.path, hashOf(file.content));
    this.record();
  }

  /** After every step: what a failed install has made, uninstall can take back. */
  private record(): void {
    const files = [...this.files].map(([path, sha256]) => ({ path, sha256 }));
    writeRecord(this.system, { files, madeUser: this.hasMadeUser });
  }
}

function hashOf(content: NewFile["content"]): string {
  return createHash("sha256").update(content).digest("hex");
}

const NO_SHELL = "/usr/sbin/nologin";

const LATER = nothing(`leave the service as it is: where systemd runs, systemctl enable --now ${UNIT_NAME}`);
const NO_SYSTEMD = nothing(
  `note that systemd does not run here: have what starts services run ${PLACES.binary} -c ${PLACES.config} --user ${SERVICE_USER}`,
);

export function step(what: string, run: () => void): Step {
  return { what, run };
}

export function nothing(what: string): Step {
  return { what, run: null };
}
