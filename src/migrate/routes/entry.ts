import type { ServiceName } from "../../seam/services.ts";
import type { Bind } from "../source/endpoints.ts";
import type { Proxy } from "../source/proxies.ts";

/** A frontend's addresses that have one role. */
export interface Entry {
  readonly proxy: Proxy;
  readonly kind: ServiceName;
  /** At least one. */
  readonly binds: readonly Bind[];
}
