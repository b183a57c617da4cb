import { createBunRuntime } from "../../src/runtime/bun.ts";
import { conformance } from "./conformance.ts";
import { loopbackHarness } from "./loopback.ts";

conformance("bun", () => loopbackHarness(createBunRuntime));
