/** A lock that ends with its process: what neither Bun nor Node can ask the kernel for. For control. */
const LOCK_EX_NB = 2 | 4;

/** @returns null: not Linux, not Bun, or no C library to call; else a function that says whether the open file is locked now */
export async function loadFlock(): Promise<((fd: number) => boolean) | null> {
  if (process.platform !== "linux" || process.versions.bun === undefined) return null;
  const { libc, libcProblem } = await import("./libc.ts");
  return libcProblem === null ? (fd) => libc.flock(fd, LOCK_EX_NB) === 0 : null;
}
