/**
 * Property tests draw the same cases in every run, so that a red gate is red for everybody. `FC_SEED=random` draws new ones, and a
 * number repeats what a failure reported.
 */
import * as fc from "fast-check";

const SEED = 20_261_123;
const asked = process.env["FC_SEED"];

if (asked !== "random") fc.configureGlobal({ seed: asked === undefined ? SEED : Number(asked) });
