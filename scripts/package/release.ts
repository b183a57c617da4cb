/** What one run of the packager is about. */
import manifest from "../../package.json";

export const NAME = manifest.name;
export const SUMMARY = manifest.description;
/** `1.2.0-rc.1` of npm is `1.2.0~rc.1` for dpkg and rpm, which sort it before 1.2.0. */
export const VERSION = manifest.version;
export const PACKAGE_VERSION = VERSION.replace("-", "~");

export interface Release {
  /** Where the packages go. */
  readonly out: string;
  /** For what is in the making. */
  readonly scratch: string;
  /** Seconds since 1970: every file in every package bears this time, so that the same sources make the same packages. */
  readonly time: number;
  /** Little compression, for tests. */
  readonly isQuick: boolean;
}
