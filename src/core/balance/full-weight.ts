import type { FULL_WEIGHT as OnTheBoard } from "../../seam/board.ts";

/** `weight` of an endpoint that takes its full share. Core imports no values; the compiler holds it to the board's. */
export const FULL_WEIGHT: typeof OnTheBoard = 256;
