/** Where install puts things: /usr/local is the administrator's, /usr is the packages'. */
import { UNIT_NAME } from "./unit.ts";

export const PLACES = {
  binary: "/usr/local/bin/edge-lb",
  config: "/etc/edge-lb.yaml",
  unit: `/etc/systemd/system/${UNIT_NAME}`,
  man: "/usr/local/share/man/man1/edge-lb.1",
  bash: "/usr/local/share/bash-completion/completions/edge-lb",
  zsh: "/usr/local/share/zsh/site-functions/_edge-lb",
  fish: "/usr/local/share/fish/vendor_completions.d/edge-lb.fish",
  /** Root's alone: uninstall removes what it names. */
  record: "/usr/local/share/edge-lb/install.json",
} as const;

/** What other rooms make. */
export interface InstallTexts {
  readonly config: string;
  readonly man: string;
  readonly bash: string;
  readonly zsh: string;
  readonly fish: string;
}
