/** Another user for this process, with a few of root's capabilities left. For control, before its workers start: they inherit. */
import { ptr } from "bun:ffi";
import { libc, libcProblem } from "./libc.ts";

/** <linux/capability.h> */
export const CAP_NET_BIND_SERVICE = 10;
export const CAP_NET_ADMIN = 12;
/** Version 3: two words of 32 capabilities. */
const CAPABILITY_VERSION = 0x20080522;
/** <linux/prctl.h> */
const PR_SET_KEEPCAPS = 8;

const PR_CAP_AMBIENT = 47;
const AMBIENT = { isSet: 1, raise: 2, lower: 3 } as const;

export interface Identity {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/** @returns whether it is so now: user and groups in every thread, the capabilities in this one and those it starts */
export function becomeUser({ user, uid, gid }: Identity, capabilities: readonly number[]): boolean {
  if (libcProblem !== null || libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) !== 0) return false;
  (process as { readonly initgroups?: (user: string, gid: number) => void }).initgroups?.(user, gid); // not in the types
  process.setgid?.(gid);
  process.setuid?.(uid);
  const mask = capabilities.reduce((bits, capability) => bits | (1 << capability), 0);
  const header = new Uint32Array([CAPABILITY_VERSION, 0]);
  const sets = new Uint32Array([mask, mask, mask, 0, 0, 0]); // effective, permitted, inheritable; none above 31
  return libc.capset(ptr(header), ptr(sets)) === 0 && process.getuid?.() === uid;
}

/** What `start` starts has the capabilities that `becomeUser` left to this process; whatever else it starts has none. */
export function handingRightsOn<T>(start: () => T): T {
  const ambient = (what: number, capability: number): number => libc.prctl(PR_CAP_AMBIENT, what, capability, 0, 0);
  const raised = [CAP_NET_BIND_SERVICE, CAP_NET_ADMIN].filter(
    (capability) => ambient(AMBIENT.isSet, capability) === 0 && ambient(AMBIENT.raise, capability) === 0,
  );
  try {
    return start();
  } finally {
    for (const capability of raised) ambient(AMBIENT.lower, capability);
  }
}
