import { conformance } from "../conformance.ts";
import { linuxHarness } from "./harness.ts";

conformance("linux with a ring", () => linuxHarness(true));
conformance("linux with plain calls", () => linuxHarness(false));
