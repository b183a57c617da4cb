/** Which snapshot each worker serves. */

export interface Versions {
  /** A worker serves this version from now on. */
  at(worker: number, version: number): void;
  /** Resolves when every worker serves this version or a newer one. */
  reached(version: number): Promise<void>;
}

export function createVersions(workers: number): Versions {
  const newest = Array.from({ length: workers }, () => 0);
  let waiting: { readonly version: number; readonly resolve: () => void }[] = [];
  return {
    at(worker, version) {
      newest[worker] = version;
      const everywhere = Math.min(...newest);
      for (const { resolve } of waiting.filter((each) => each.version <= everywhere)) resolve();
      waiting = waiting.filter((each) => each.version > everywhere);
    },
    reached(version) {
      if (Math.min(...newest) >= version) return Promise.resolve();
      return new Promise((resolve) => waiting.push({ version, resolve }));
    },
  };
}
