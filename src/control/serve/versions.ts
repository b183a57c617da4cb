/** Which snapshot each worker serves. */
export class Versions {
  private readonly newest: number[];
  private waiting: { readonly version: number; readonly resolve: () => void }[] = [];

  constructor(workers: number) {
    this.newest = Array.from({ length: workers }, () => 0);
  }

  /** A worker serves this version from now on. */
  at(worker: number, version: number): void {
    this.newest[worker] = version;
    const everywhere = this.everywhere();
    for (const { resolve } of this.waiting.filter((each) => each.version <= everywhere)) resolve();
    this.waiting = this.waiting.filter((each) => each.version > everywhere);
  }

  /** Resolves when every worker serves this version or a newer one. */
  reached(version: number): Promise<void> {
    if (this.everywhere() >= version) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ version, resolve }));
  }

  private everywhere(): number {
    return Math.min(...this.newest);
  }
}
