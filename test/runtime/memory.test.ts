import { conformance } from "./conformance.ts";
import { memoryHarness } from "./memory-harness.ts";

conformance("memory", memoryHarness);
