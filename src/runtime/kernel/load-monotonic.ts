/** CLOCK_MONOTONIC as the service manager reads it. Bun's own clocks begin with the process. For control. */
const CLOCK_MONOTONIC = 1;

/** @returns reads the clock, in microseconds; null: it cannot be read here */
export async function loadMonotonic(): Promise<(() => number) | null> {
  if (process.versions.bun === undefined) return () => Number(process.hrtime.bigint() / 1_000n);
  if (process.platform !== "linux") return null;
  const { libc, libcProblem } = await import("./libc.ts");
  if (libcProblem !== null) return null;
  // struct timespec: seconds, nanoseconds
  const time = new BigInt64Array(2);
  return () => {
    libc.clock_gettime(CLOCK_MONOTONIC, time);
    return Number(time[0]) * 1_000_000 + Math.floor(Number(time[1]) / 1_000);
  };
}
