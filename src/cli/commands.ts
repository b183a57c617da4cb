/** Every command, in the order of help. One more needs its file and a line here. */
import { ADD } from "./commands/add.ts";
import { CERTS } from "./commands/certs.ts";
import { CHECK } from "./commands/check.ts";
import type { Command } from "./line/command.ts";
import { COMPLETION } from "./commands/completion.ts";
import { CONFIG } from "./commands/config.ts";
import { DISCOVER } from "./commands/discover.ts";
import { DNS } from "./commands/dns.ts";
import { DRAIN } from "./commands/drain.ts";
import { EXPLAIN } from "./commands/explain.ts";
import { EXPORT } from "./commands/export.ts";
import { HEALTHCHECK } from "./commands/healthcheck.ts";
import { HELP_COMMAND } from "./commands/help.ts";
import { IMPORT } from "./commands/import.ts";
import { INSTALL, UNINSTALL } from "./commands/install.ts";
import { KUBECONFIG } from "./commands/kubeconfig.ts";
import { MAN } from "./commands/man.ts";
import { RELOAD } from "./commands/reload.ts";
import { RM } from "./commands/rm.ts";
import { RULES } from "./commands/rules.ts";
import { RUN } from "./commands/run.ts";
import { SCHEMA } from "./commands/schema.ts";
import { STATUS } from "./commands/status.ts";
import { TAIL } from "./commands/tail.ts";
import { UPGRADE } from "./commands/upgrade.ts";
import { VERSION_COMMAND } from "./commands/version.ts";

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
