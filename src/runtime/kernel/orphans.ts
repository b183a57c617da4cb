/** Where BUN_FEATURE_FLAG_NO_ORPHANS stands in the environment, Bun ties the lives of a process and of those it started together: from both sides. */
import { libc } from "./libc.ts";

/** <linux/prctl.h> */
const PR_SET_PDEATHSIG = 1;

/** This process goes on when the one that started it ends. */
export function outliveParent(): void {
  libc.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
}

/** Ends this process and leaves those that it started. */
export function endAlone(code: number): void {
  libc._exit(code);
}
