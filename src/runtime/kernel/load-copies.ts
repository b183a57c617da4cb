/** Second descriptors of one socket, for engines that close what they listen on. What neither Bun nor Node can ask the kernel for. */

/** @returns null: not Linux, not Bun, or no C library to call */
export async function loadCopies(): Promise<Pick<
  typeof import("./listen-socket.ts"),
  "duplicate" | "closeSocket"
> | null> {
  if (process.platform !== "linux" || process.versions.bun === undefined) return null;
  const { libcProblem } = await import("./libc.ts");
  if (libcProblem !== null) return null;
  const { duplicate, closeSocket } = await import("./listen-socket.ts");
  return { duplicate, closeSocket };
}
