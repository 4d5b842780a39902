import fc from "fast-check";

/** What is random in any test follows from it; vitest.config.ts decides on it. */
export const SEED = Number(process.env["SEED"]);

fc.configureGlobal({ seed: SEED });

export { fc };
