/** The machines that edge-lb is built for. */
import { existsSync } from "node:fs";

export interface Platform {
  /** Suffix of the file in dist/. */
  readonly name: string;
  readonly target: Bun.Build.CompileTarget;
  /** The npm package with Bun's executable for it; x64 on Linux is always the baseline, which runs without AVX2. */
  readonly executable: string;
  /** Its name at Debian and at Red Hat; null: neither packages for it. */
  readonly deb: string | null;
  readonly rpm: string | null;
}

const X64 = { deb: "amd64", rpm: "x86_64" } as const;
const ARM64 = { deb: "arm64", rpm: "aarch64" } as const;
const UNPACKAGED = { deb: null, rpm: null } as const;

export const PLATFORMS: readonly Platform[] = [
  { name: "linux-x64", target: "bun-linux-x64-baseline", executable: "bun-linux-x64-baseline", ...X64 },
  { name: "linux-arm64", target: "bun-linux-arm64", executable: "bun-linux-aarch64", ...ARM64 },
  {
    name: "linux-x64-musl",
    target: "bun-linux-x64-baseline-musl",
    executable: "bun-linux-x64-musl-baseline",
    ...UNPACKAGED,
  },
  { name: "linux-arm64-musl", target: "bun-linux-arm64-musl", executable: "bun-linux-aarch64-musl", ...UNPACKAGED },
  { name: "darwin-x64", target: "bun-darwin-x64", executable: "bun-darwin-x64", ...UNPACKAGED },
  { name: "darwin-arm64", target: "bun-darwin-arm64", executable: "bun-darwin-aarch64", ...UNPACKAGED },
];

/** The entry of {@link PLATFORMS} for the machine this runs on. */
export function hostPlatform(): Platform {
  const musl =
    process.platform === "linux" && existsSync(`/lib/ld-musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`);
  const name = `${process.platform}-${process.arch}${musl ? "-musl" : ""}`;
  const found = PLATFORMS.find((platform) => platform.name === name);
  if (found === undefined)
    throw new Error(`Cannot build for ${name}: one of ${PLATFORMS.map((p) => p.name).join(", ")} wanted`);
  return found;
}
