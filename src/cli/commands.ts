/** Every command, in the order of help. One more needs its file and a line here. */
import { ADD } from "./add.ts";
import { CERTS } from "./certs.ts";
import { CHECK } from "./check.ts";
import type { Command } from "./command.ts";
import { COMPLETION } from "./completion.ts";
import { CONFIG } from "./config.ts";
import { DISCOVER } from "./discover.ts";
import { DNS } from "./dns.ts";
import { DRAIN } from "./drain.ts";
import { EXPLAIN } from "./explain.ts";
import { EXPORT } from "./export.ts";
import { HEALTHCHECK } from "./healthcheck.ts";
import { HELP_COMMAND } from "./help.ts";
import { IMPORT } from "./import.ts";
import { INSTALL, UNINSTALL } from "./install.ts";
import { KUBECONFIG } from "./kubeconfig.ts";
import { MAN } from "./man.ts";
import { RELOAD } from "./reload.ts";
import { RM } from "./rm.ts";
import { RULES } from "./rules.ts";
import { RUN } from "./run.ts";
import { SCHEMA } from "./schema.ts";
import { STATUS } from "./status.ts";
import { TAIL } from "./tail.ts";
import { UPGRADE } from "./upgrade.ts";
import { VERSION_COMMAND } from "./version.ts";

/** The first one is meant when none is named. */
export const COMMANDS: readonly Command[] = [
  RUN,
  CHECK,
  EXPLAIN,
  VERSION_COMMAND,
  STATUS,
  HEALTHCHECK,
  RELOAD,
  UPGRADE,
  ADD,
  RM,
  DRAIN,
  IMPORT,
  EXPORT,
  DISCOVER,
  DNS,
  TAIL,
  CERTS,
  KUBECONFIG,
  CONFIG,
  RULES,
  INSTALL,
  UNINSTALL,
  COMPLETION,
  MAN,
  SCHEMA,
  HELP_COMMAND,
];
